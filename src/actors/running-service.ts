import {
  catchError,
  concat,
  distinctUntilChanged,
  EMPTY,
  ignoreElements,
  merge,
  NEVER,
  of,
  retry,
  ReplaySubject,
  share,
  Subscription,
  take,
  takeUntil,
  tap,
  timer,
  type Observable,
  type Subject,
  type Subscriber,
  type Unsubscribable,
} from 'rxjs'
import { RpcError, type Log, type Runtime } from '../core/index.js'
import type { Binding, Interceptor, Protocol } from '../protocol/index.js'
import type { Broker } from '../broker/index.js'
import { healthGated, type Instance, type Metadata, type Registration, type Registry } from '../registry/index.js'
import type { Actor } from './actor.js'
import { consumeTopics } from './consume-topics.js'
import { instancesOf } from './instances.js'
import { createServer } from './server.js'
import type { Status, StopCause } from './service-status.js'
import { stopSignals, type StopSignal } from './stop-signals.js'

/** Options of a service, filled and checked. */
export interface ResolvedServiceOptions {
  readonly actors: readonly Actor[]
  readonly protocol: Protocol
  readonly registry: Registry
  readonly broker: Broker | undefined
  readonly name: string | undefined
  readonly version: string | undefined
  readonly address: string
  readonly advertise: string | undefined
  readonly health: Observable<boolean> | undefined
  readonly metadata: Metadata
  readonly interceptors: readonly Interceptor[]
  readonly signals: readonly StopSignal[]
  readonly drainMs: number
  readonly exposeCauses: boolean
  readonly runtime: Runtime
  readonly log: Log
}

/** Digits of the id behind a node's name: 48 bits, short enough to fit a DNS label with the name. */
const NODE_ID_DIGITS = 12
/** How long the registry has for the goodbye before calls are drained without it, ms. */
const GOODBYE_MS = 2000
/** How long after a refusal an instance is registered again, ms. */
const REGISTER_AGAIN_MS = 5000

/** One run of a service, from `starting` to `stopped`. */
export class RunningService implements Unsubscribable {
  private readonly options: ResolvedServiceOptions
  private readonly subscriber: Subscriber<Status>
  /** Everything that the run holds: the listener, the registrations, the listeners to signals. */
  private readonly resources: Subscription
  private readonly id: string
  /** Emits when the instances are to say goodbye. */
  private readonly goodbye: ReplaySubject<void>
  /** Completes when all of them have. */
  private readonly gone: Subject<never>
  /** Completes when the last event that was taken is processed. */
  private consumed$: Observable<never>
  private phase: 'serving' | 'draining' | 'stopped'
  private binding: Binding | undefined

  constructor(options: ResolvedServiceOptions, subscriber: Subscriber<Status>) {
    this.options = options
    this.subscriber = subscriber
    this.resources = new Subscription()
    this.id = options.runtime.id().slice(0, NODE_ID_DIGITS)
    this.goodbye = new ReplaySubject(1)
    this.gone = new ReplaySubject(1)
    this.consumed$ = EMPTY
    this.phase = 'serving'
    this.binding = undefined
  }

  /** Listens; the rest follows. Called once. */
  start(stop: Observable<unknown> | undefined): void {
    const { subscriber, resources, options } = this
    const { protocol, signals, address } = options
    subscriber.next({ state: 'starting' })
    const server = createServer({ ...serverOptions(options), node: this.id })
    resources.add(stopSignals(signals).subscribe(signal => this.signalled(signal)))
    if (stop !== undefined) {
      resources.add(
        stop.pipe(take(1)).subscribe({ next: () => this.drain('stop'), error: error => subscriber.error(error) }),
      )
    }
    if (subscriber.closed) return
    resources.add(
      protocol
        .listen(address, () => server)
        .subscribe({
          next: binding => this.listening(binding),
          error: error => subscriber.error(RpcError.from(error, 'UNAVAILABLE')),
        }),
    )
  }

  /** Cuts everything off. */
  unsubscribe(): void {
    this.phase = 'stopped'
    this.resources.unsubscribe()
  }

  private listening(binding: Binding): void {
    const { subscriber, resources, options } = this
    this.binding = binding
    subscriber.next({ state: 'listening', address: binding.address })
    if (this.phase !== 'serving') return
    this.consumeTopics()
    const { protocol, advertise = binding.address } = options
    const labels = { ...options.metadata, protocol: protocol.name, transport: protocol.transport }
    const instances = instancesOf({ ...options, metadata: labels, id: this.id, address: advertise })
    resources.add(this.registrations(instances).subscribe(this.gone))
  }

  private consumeTopics(): void {
    const { broker } = this.options
    if (broker === undefined) return
    const consumed = new ReplaySubject<never>(1)
    this.consumed$ = consumed
    this.resources.add(consumeTopics({ ...this.options, broker, drain$: this.goodbye }).subscribe(consumed))
  }

  /** Announces the instances until they say goodbye. */
  private registrations(instances: readonly Instance[]): Observable<never> {
    const { registry, health } = this.options
    const healthy$ = health === undefined ? undefined : this.healthOf(health)
    const gated = healthy$ === undefined ? registry : healthGated(registry, healthy$)
    const pending = new Set(instances)
    const told = ({ instance, lost }: Registration): void => {
      if (lost !== undefined) {
        pending.add(instance)
        this.refused(instance, lost, 'the registry tries again')
      } else if (pending.delete(instance) && pending.size === 0 && this.phase === 'serving') {
        this.subscriber.next({ state: 'registered', instances })
      }
    }
    const refused = (instance: Instance, thrown: unknown): Observable<0> => {
      pending.add(instance)
      this.refused(instance, RpcError.from(thrown), `next try in ${REGISTER_AGAIN_MS} ms`)
      return timer(REGISTER_AGAIN_MS, this.options.runtime.scheduler)
    }
    const withdrawn = (): void => {
      for (const instance of instances) {
        pending.add(instance)
        this.withdrawn(instance)
      }
    }
    const told$ = (healthy$ ?? EMPTY).pipe(
      takeUntil(this.goodbye),
      tap(healthy => {
        if (!healthy) withdrawn()
      }),
      ignoreElements(),
    )
    return merge(
      told$,
      ...instances.map(instance =>
        this.register(gated, instance).pipe(
          tap(told),
          retry({ delay: error => refused(instance, error) }),
          ignoreElements(),
        ),
      ),
    )
  }

  /** The health, the same for all who ask; one that fails is none. */
  private healthOf(health: Observable<boolean>): Observable<boolean> {
    return health.pipe(
      catchError((error: unknown) => {
        const { message } = RpcError.from(error)
        this.options.log({
          level: 'error',
          event: 'service.health_failed',
          message: `the service counts as unhealthy until it is run again: ${message}`,
          fields: { error },
        })
        return of(false)
      }),
      distinctUntilChanged(),
      share({ connector: () => new ReplaySubject(1), resetOnComplete: false }),
    )
  }

  private withdrawn(instance: Instance): void {
    const error = new RpcError('UNAVAILABLE', `node ${instance.node.id} is not healthy`, { reason: 'unhealthy' })
    this.options.log({ level: 'warn', event: 'service.unhealthy', message: error.rawMessage })
    this.subscriber.next({ state: 'unregistered', instance, error })
  }

  private register(registry: Registry, instance: Instance): Observable<Registration> {
    return registry.register(concat(of(instance), NEVER).pipe(takeUntil(this.goodbye)))
  }

  private refused(instance: Instance, error: RpcError, next: string): void {
    this.options.log({
      level: 'warn',
      event: 'service.unregistered',
      message: `${instance.node.id} is not registered, ${next}: ${error.message}`,
      fields: { node: instance.node.id, error },
    })
    this.subscriber.next({ state: 'unregistered', instance, error })
  }

  private signalled(signal: StopSignal): void {
    if (this.phase === 'draining') this.stopped(true)
    else this.drain(signal)
  }

  private drain(cause: StopCause): void {
    if (this.phase !== 'serving') return
    this.phase = 'draining'
    const { subscriber, resources, binding } = this
    const { drainMs, runtime } = this.options
    subscriber.next({ state: 'draining', cause })
    if (binding === undefined) {
      this.stopped(false)
      return
    }
    resources.add(runtime.scheduler.schedule(() => this.stopped(true), drainMs))
    // Callers hear the goodbye before calls are refused. A registry that is down must not take the time of running calls.
    const goodbyes$ = this.gone.pipe(takeUntil(timer(GOODBYE_MS, runtime.scheduler)))
    resources.add(
      merge(this.consumed$, concat(goodbyes$, binding.drain())).subscribe({
        error: error => this.drainFailed(error),
        complete: () => this.stopped(false),
      }),
    )
    this.goodbye.next()
  }

  private drainFailed(error: unknown): void {
    const { message } = RpcError.from(error)
    this.options.log({ level: 'warn', event: 'service.drain_failed', message, fields: { error } })
    this.stopped(true)
  }

  private stopped(aborted: boolean): void {
    if (this.phase === 'stopped') return
    this.phase = 'stopped'
    this.resources.unsubscribe()
    if (aborted) {
      this.options.log({
        level: 'warn',
        event: 'service.aborted',
        message: `the service was stopped before its running calls and handlers of topics had ended (drainMs is ${this.options.drainMs})`,
      })
    }
    this.subscriber.next({ state: 'stopped', aborted })
    this.subscriber.complete()
  }
}

function serverOptions(options: ResolvedServiceOptions): Parameters<typeof createServer>[0] {
  const { actors, interceptors, runtime, log, name, exposeCauses } = options
  return { actors, interceptors, runtime, log, exposeCauses, ...(name !== undefined && { name }) }
}
