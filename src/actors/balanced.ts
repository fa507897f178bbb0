import * as E from 'fp-ts/lib/Either.js'
import { defer, type Observable, Subject, Subscription, take, tap, type Unsubscribable } from 'rxjs'
import { RpcError, type Message, type Runtime } from '../core/index.js'
import { callOf, runCall, type Call, type DirectPeer, type Pool, type ReplyObserver } from '../protocol/index.js'
import type { Node, Registry, Snapshot } from '../registry/index.js'
import { filterNodes, type Next, type Outcome, type Pick, type Selector } from '../selector/index.js'

/** What a {@link Balanced} peer works with. */
export interface BalancedOptions {
  /** Name of the service whose nodes answer. */
  readonly service: string
  /** Knows the nodes. */
  readonly registry: Registry
  /** Picks one for each call. */
  readonly selector: Selector
  /** Makes the pool of connections to an address. */
  readonly connect: (address: string) => Pool
  /** Protocol that we speak; nodes that say they speak another are left out. */
  readonly protocol: { readonly name: string; readonly transport: string }
  /** Time and chance. */
  readonly runtime: Runtime
}

const ANY: Pick = Object.freeze({})

/**
 * All nodes of a service as one peer: each call goes to the node that the selector picks.
 *
 * 1. The registry is watched from the first call until `close`, or until the watch fails for good: then the calls that
 *    wait fail with its error, and the next call watches anew.
 * 2. Calls made before the first snapshot wait for it; after that the pick is synchronous, and a call that finds no
 *    usable node fails at once.
 * 3. There is one pool an address. When an address is in no snapshot any more, its pool takes no new calls, lets the
 *    running ones end and closes.
 * 4. How each call ended is told to the selector, exactly once for each pick. An error that a handler passed on from
 *    elsewhere tells its code but not its reason, for it says nothing about the connection to the node.
 *    A caller that leaves at its deadline, without an answer, tells DEADLINE_EXCEEDED; any other tells `cancelled`.
 */
export class Balanced implements DirectPeer {
  /** Name of the service whose nodes answer. */
  readonly service: string
  /** Time and chance. */
  readonly runtime: Runtime
  /** How calls ended, hot. Completes when it is closed and every running call has ended. */
  readonly outcomes: Subject<Outcome>
  private readonly options: BalancedOptions
  private readonly pools: Map<string, Pool>
  private next: Next | undefined
  private nexts: Subject<Next>
  private watching: Subscription | undefined
  private running: number
  private closed: boolean

  constructor(options: BalancedOptions) {
    this.service = options.service
    this.runtime = options.runtime
    this.outcomes = new Subject()
    this.options = options
    this.pools = new Map()
    this.next = undefined
    this.nexts = new Subject()
    this.watching = undefined
    this.running = 0
    this.closed = false
  }

  call(call: Call): Observable<Message> {
    return callOf(this, call)
  }

  run(call: Call, replies: ReplyObserver): Unsubscribable {
    if (this.next !== undefined && !this.closed) return this.attempt(this.next, call, replies)
    if (this.closed) {
      replies.error(this.clientClosed())
      return Subscription.EMPTY
    }
    const running = new Subscription()
    const attempt = (next: Next): void => running.add(this.attempt(next, call, replies))
    running.add(this.nexts.pipe(take(1)).subscribe({ next: attempt, error: error => replies.error(error) }))
    this.watch()
    return running
  }

  /** Refuses new calls, fails those that wait for a node, and lets running ones end. May be called again. */
  close(): void {
    if (this.closed) return
    this.closed = true
    this.watching?.unsubscribe()
    this.nexts.error(this.clientClosed())
    for (const pool of this.pools.values()) pool.close()
    this.pools.clear()
    if (this.running === 0) this.outcomes.complete()
  }

  /** A call has gone to its node. */
  started(): void {
    this.running++
  }

  /** A call at a node has ended. */
  ended(): void {
    this.running--
    if (this.running === 0 && this.closed) this.outcomes.complete()
  }

  /** Connections to an address. */
  pool(address: string): Pool {
    let pool = this.pools.get(address)
    if (pool === undefined) {
      pool = this.options.connect(address)
      this.pools.set(address, pool)
    }
    return pool
  }

  private watch(): void {
    if (this.watching !== undefined) return
    const { service, registry, selector, protocol, runtime } = this.options
    const { name, transport } = protocol
    const speaksOurs = ({ metadata }: Node): boolean =>
      (metadata['protocol'] ?? name) === name && (metadata['transport'] ?? transport) === transport
    const watching = new Subscription() // kept first: the registry may answer at once
    this.watching = watching
    // Deferred, so that a selector or registry that throws fails the watch instead of leaving a dead one.
    const next$ = defer(() =>
      registry.watch(service).pipe(
        tap(snapshot => this.forget(snapshot)),
        filterNodes(`of another protocol than ${name} over ${transport}`, speaksOurs),
        selector({ runtime, outcomes$: this.outcomes }),
      ),
    )
    watching.add(
      next$.subscribe({
        next: next => {
          this.next = next
          this.nexts.next(next)
        },
        error: error => this.lost(error),
      }),
    )
  }

  private lost(error: unknown): void {
    const { nexts } = this
    this.watching = undefined
    this.next = undefined
    this.nexts = new Subject()
    nexts.error(RpcError.from(error, 'UNAVAILABLE').via({ service: this.service, endpoint: '*' }))
  }

  /** Closes the pools of addresses that are gone. */
  private forget({ services }: Snapshot): void {
    if (this.pools.size === 0) return
    const known = new Set(services.flatMap(({ nodes }) => nodes.map(({ address }) => address)))
    for (const [address, pool] of this.pools) {
      if (known.has(address)) continue
      this.pools.delete(address)
      pool.close()
    }
  }

  private attempt(next: Next, call: Call, replies: ReplyObserver): Unsubscribable {
    try {
      const picked = next(call.key === undefined ? ANY : { key: call.key })
      if (E.isRight(picked)) return new Attempt(replies, this, picked.right, call).start()
      replies.error(this.noEndpoint(picked.left, call))
    } catch (error) {
      replies.error(error) // a call that waited has nobody to throw to
    }
    return Subscription.EMPTY
  }

  private noEndpoint(error: RpcError, { route }: Call): RpcError {
    const { code, rawMessage, reason, details, retry, cause } = error
    return new RpcError(code, `service ${this.service}: ${rawMessage}`, {
      reason,
      retry,
      cause,
      hops: [{ service: this.service, endpoint: `${route.contract}.${route.endpoint}` }],
      ...(details !== undefined && { details }),
    })
  }

  private clientClosed(): RpcError {
    const message = `service ${this.service}: the client was closed`
    return new RpcError('FAILED_PRECONDITION', message, { reason: 'client_closed' })
  }
}

/** A call at the node that was picked for it. */
class Attempt implements ReplyObserver, Unsubscribable {
  private readonly replies: ReplyObserver
  private readonly owner: Balanced
  private readonly node: Node
  private readonly call: Call
  private readonly startedAt: number
  private firstAfterMs: number | undefined
  private running: Unsubscribable | undefined
  private told: boolean
  private ended: boolean

  constructor(replies: ReplyObserver, owner: Balanced, node: Node, call: Call) {
    this.replies = replies
    this.owner = owner
    this.node = node
    this.call = call
    this.startedAt = owner.runtime.scheduler.now()
    this.firstAfterMs = undefined
    this.running = undefined
    this.told = false
    this.ended = false
  }

  get closed(): boolean {
    return this.ended || this.replies.closed
  }

  start(): this {
    this.owner.started()
    try {
      this.running = runCall(this.owner.pool(this.node.address), this.call, this)
    } catch (error) {
      this.error(error) // the selector counts the call as running until it is told of its end
    }
    return this
  }

  next(message: Message): void {
    this.firstAfterMs ??= this.elapsedMs()
    const { kind } = this.call
    // The one reply is the end, also for a caller that takes it and leaves.
    if (kind === 'unary' || kind === 'clientStream') this.tell('ok')
    this.replies.next(message)
  }

  error(thrown: unknown): void {
    const error = RpcError.from(thrown)
    const passedOn = error.hops.length > 0
    this.end(error.code, passedOn ? undefined : error.reason)
    const { contract, endpoint } = this.call.route
    const hop = { service: this.owner.service, endpoint: `${contract}.${endpoint}`, node: this.node.id }
    this.replies.error(passedOn ? error : error.via(hop))
  }

  complete(): void {
    this.end('ok')
    this.replies.complete()
  }

  unsubscribe(): void {
    if (this.isOverdue()) this.end('DEADLINE_EXCEEDED', 'deadline_exceeded')
    else this.end('cancelled')
    this.running?.unsubscribe()
  }

  private end(result: Outcome['result'], reason?: string): void {
    this.tell(result, reason)
    if (this.ended) return
    this.ended = true
    this.owner.ended()
  }

  private tell(result: Outcome['result'], reason?: string): void {
    if (this.told) return
    this.told = true
    const { node, owner } = this
    const latencyMs = this.firstAfterMs ?? this.elapsedMs()
    owner.outcomes.next(reason === undefined ? { node, result, latencyMs } : { node, result, latencyMs, reason })
  }

  /** Deadlines are kept by who calls us: they leave, as others do. */
  private isOverdue(): boolean {
    const { deadline } = this.call
    return deadline !== undefined && this.firstAfterMs === undefined && this.owner.runtime.scheduler.now() >= deadline
  }

  private elapsedMs(): number {
    return this.owner.runtime.scheduler.now() - this.startedAt
  }
}
