import { Observable } from 'rxjs'
import {
  bool,
  consoleLog,
  fn,
  having,
  integer,
  listOf,
  MAX_TIMER_MS,
  oneOf,
  optional,
  resolveOptions,
  RpcError,
  systemRuntime,
  text,
  type Log,
  type Runtime,
} from '../core/index.js'
import type { Interceptor, Protocol } from '../protocol/index.js'
import type { Broker } from '../broker/index.js'
import type { Metadata, Registry } from '../registry/index.js'
import type { Actor } from './actor.js'
import { isServiceName } from './contract.js'
import { RunningService, type ResolvedServiceOptions } from './running-service.js'
import { createServer } from './server.js'
import type { Status } from './service-status.js'
import type { StopSignal } from './stop-signals.js'

/** Options of {@link createService}. */
export interface ServiceOptions {
  /** What answers calls: at least one actor, each of another contract. */
  readonly actors: readonly Actor[]
  /** Speaks to callers. */
  readonly protocol: Protocol
  /** Where the service is announced. */
  readonly registry: Registry
  /** Where actors have their topics from. @default none: needed when an actor has topics */
  readonly broker?: Broker
  /** Name of one service that has all the actors. @default each actor is a service named after its contract */
  readonly name?: string
  /** Version of the service called `name`. @default the version of the first contract */
  readonly version?: string
  /** Where to listen, in the form of the protocol's transport. @default ':0', every interface and a free port */
  readonly address?: string
  /** Address that is registered, when callers reach this process at another than it listens on. @default where it listens */
  readonly advertise?: string
  /**
   * Whether the node is fit for calls: it is announced only while the last value was true, and calls that come
   * nevertheless are answered. Subscribed once a run. A failure counts as false and is logged; after completion the
   * last value holds. @default always announced
   */
  readonly health?: Observable<boolean>
  /** Labels of the node, beside `protocol` and `transport`. @default none */
  readonly metadata?: Metadata
  /** Wrapped around every call, the first outermost. @default none */
  readonly interceptors?: readonly Interceptor[]
  /** Signals that stop the service. @default SIGINT and SIGTERM, where there are processes */
  readonly signals?: readonly StopSignal[]
  /** Longest time from the order to stop until running calls are cut off, ms. @default 25_000, within Kubernetes' 30 s */
  readonly drainMs?: number
  /** Callers see what a handler threw, as cause: for development, for it may tell secrets. @default false */
  readonly exposeCauses?: boolean
  /** Time and chance. @default systemRuntime() */
  readonly runtime?: Runtime
  /** Where what nobody asked for goes. @default consoleLog */
  readonly log?: Log
}

/** Options of {@link Service.run}. */
export interface RunOptions {
  /** Its first value stops the service; its completion does not. @default only signals stop it */
  readonly stop?: Observable<unknown>
}

/** Actors that can be run. */
export interface Service {
  /**
   * Runs the service while it is subscribed, as a node of its own each time, and tells where it is.
   *
   * - `stop`, or a signal, drains: no more events are taken, the node says goodbye to the registry and takes no new calls;
   *   the handlers of topics and the running calls have `drainMs` to end; the stream ends after `stopped`. A signal while it
   *   drains cuts the rest off at once: events that were not processed come again, elsewhere.
   * - Topics are subscribed after `listening` and before `registered`. Trouble with the broker does not end the service:
   *   a subscription that fails is logged and made again.
   * - Unsubscribing cuts everything off at once.
   * - It fails when it cannot listen, with the transport's error. Trouble with the registry does not end it: the
   *   registry retries by itself, and an instance that it refuses is logged, told as `unregistered`, and tried again.
   * - With `health`, an instance that is taken back is told as `unregistered` (reason `unhealthy`), and `registered`
   *   again when it is announced again.
   */
  run(options?: RunOptions): Observable<Status>
}

/**
 * Makes a service of actors: listens, registers, and answers calls and events when it is run.
 * Throws INVALID_ARGUMENT (reason `invalid_options`, `duplicate_contract`) for options that cannot work: actors that have
 * topics need a `broker`, and two handlers of one topic need queues of their own, for within one they would share it.
 */
export function createService(options: ServiceOptions): Service {
  const resolved = resolveOptions<ResolvedServiceOptions>(
    'createService',
    {
      actors: listOf(having<Actor>('contract', 'behaviour', 'topics')),
      protocol: having<Protocol>('name', 'transport', 'listen'),
      registry: having<Registry>('name', 'register'),
      broker: optional(having<Broker>('publish', 'subscribe')),
      name: optional(text),
      version: optional(text),
      address: optional(text, ':0'),
      advertise: optional(text),
      health: optional(having<Observable<boolean>>('subscribe', 'pipe')),
      metadata: optional(having<Metadata>(), {}),
      interceptors: optional(listOf(fn<Interceptor>()), []),
      signals: optional(listOf(oneOf('SIGINT', 'SIGTERM')), ['SIGINT', 'SIGTERM']),
      drainMs: optional(integer({ min: 0, max: MAX_TIMER_MS }), 25_000),
      exposeCauses: optional(bool, false),
      runtime: optional(having<Runtime>('scheduler'), systemRuntime()),
      log: optional(fn<Log>(), consoleLog),
    },
    options,
  )
  if (resolved.name !== undefined && !isServiceName(resolved.name)) throw noServiceName(resolved.name)
  createServer({ actors: resolved.actors }) // says now what is wrong with the actors
  const faults = topicFaults(resolved)
  if (faults.length > 0) {
    const message = `createService: ${faults.join('; ')}`
    throw new RpcError('INVALID_ARGUMENT', message, { reason: 'invalid_options', details: faults })
  }
  return {
    run: ({ stop } = {}) =>
      new Observable(subscriber => {
        const running = new RunningService(resolved, subscriber)
        subscriber.add(running)
        running.start(stop)
      }),
  }
}

/** What keeps the handlers of topics from having their events. */
function topicFaults({ actors, broker, name }: ResolvedServiceOptions): readonly string[] {
  const handlers = actors.flatMap(({ contract, topics }) =>
    topics.map(({ topic, options }) => ({ topic: topic.name, queue: options.queue ?? name ?? contract.name })),
  )
  if (broker === undefined && handlers.length > 0) {
    return [`broker: expected one for ${handlers.map(({ topic }) => topic).join(', ')}`]
  }
  const seen = new Set<string>()
  return handlers.flatMap(({ topic, queue }) => {
    const group = `${topic} ${queue}`
    if (queue === false || !seen.has(group)) {
      seen.add(group)
      return []
    }
    return [
      `actors: two handlers of ${topic} in the queue ${queue}: each would get a part; give one of them another queue`,
    ]
  })
}

function noServiceName(name: string): RpcError {
  const message = `createService: name: expected labels of A-Z a-z 0-9 _ - joined by dots, got ${JSON.stringify(name)}`
  return new RpcError('INVALID_ARGUMENT', message, { reason: 'invalid_options' })
}
