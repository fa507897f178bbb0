import { type Observable, Subscriber, Subscription, type Unsubscribable } from 'rxjs'
import {
  having,
  integer,
  MAX_TIMER_MS,
  number,
  optional,
  resolveOptions,
  RpcError,
  retrySafely,
  systemRuntime,
  type Message,
  type Runtime,
} from '../core/index.js'
import { callOf, runCall, type Call, type DirectPeer, type ReplyObserver } from './peer.js'
import type { Connection } from './protocol.js'

/** Options of {@link pool}. */
export interface PoolOptions {
  /** Most connections open at once; calls go to the one with the fewest running. @default 1 */
  readonly maxConnections?: number
  /** How long a connection without calls is kept, at least; at most half as long again, ms, ≤ 2_147_483_647. @default 60_000 */
  readonly idleMs?: number
  /** How long a connection takes new calls before it is replaced, ± 10 %, ms, at most 24 days. @default Infinity, for ever */
  readonly maxAgeMs?: number
  /** Time and chance. @default systemRuntime() */
  readonly runtime?: Runtime
}

/** A peer that opens, shares and closes connections to one address as calls come and go. */
export interface Pool extends DirectPeer {
  /** Refuses new calls with UNAVAILABLE, lets running ones end, then closes the connections. May be called again. */
  close(): void
}

/**
 * A peer over `connect`, a cold observable of one connection. It connects when the first call comes, not before, and
 * again when a call comes after a connection has ended. Calls made while it connects wait; when connecting fails they
 * fail with that error, which says `retry.safe`, for nothing was sent.
 */
export function pool(connect: Observable<Connection>, options?: PoolOptions): Pool {
  return new ConnectionPool(connect, resolvePoolOptions(options))
}

/** Fills and checks the options of {@link pool}; INVALID_ARGUMENT lists every fault. */
export function resolvePoolOptions(options: PoolOptions | undefined): Required<PoolOptions> {
  return resolveOptions<Required<PoolOptions>>(
    'pool',
    {
      maxConnections: optional(integer({ min: 1 }), 1),
      idleMs: optional(number({ min: 1, max: MAX_TIMER_MS }), 60_000),
      maxAgeMs: optional(integer({ min: 1, max: Infinity }), Infinity),
      runtime: optional(having<Runtime>('scheduler', 'random'), systemRuntime()),
    },
    options,
  )
}

class ConnectionPool implements Pool {
  private readonly connect: Observable<Connection>
  private readonly options: Required<PoolOptions>
  /** Connections that take new calls, or will when they are open. */
  private readonly usable: PooledConnection[]
  private closed: boolean

  constructor(connect: Observable<Connection>, options: Required<PoolOptions>) {
    this.connect = connect
    this.options = options
    this.usable = []
    this.closed = false
  }

  call(call: Call): Observable<Message> {
    return callOf(this, call)
  }

  run(call: Call, replies: ReplyObserver): Unsubscribable {
    if (!this.closed) return this.pick().run(call, replies)
    replies.error(new RpcError('UNAVAILABLE', 'the pool is closed', { reason: 'pool_closed', retry: retrySafely }))
    return Subscription.EMPTY
  }

  close(): void {
    this.closed = true
    for (const connection of this.usable.splice(0)) connection.retire()
  }

  private pick(): PooledConnection {
    let best = this.usable[0]
    if (best !== undefined && this.options.maxConnections === 1) return best
    for (const candidate of this.usable) if (best === undefined || candidate.running < best.running) best = candidate
    if (best !== undefined && (best.running === 0 || this.usable.length >= this.options.maxConnections)) return best
    const opened = new PooledConnection(this.options, connection => this.remove(connection))
    this.usable.push(opened)
    opened.open(this.connect)
    return opened
  }

  private remove(connection: PooledConnection): void {
    const index = this.usable.indexOf(connection)
    if (index >= 0) this.usable.splice(index, 1)
  }
}

/** A call that waits for its connection. */
class WaitingCall implements Unsubscribable {
  private readonly call: Call
  private readonly replies: ReplyObserver
  private readonly left: () => void
  private cancelled: boolean
  private running: Unsubscribable | undefined

  constructor(call: Call, replies: ReplyObserver, left: () => void) {
    this.call = call
    this.replies = replies
    this.left = left
    this.cancelled = false
    this.running = undefined
  }

  run(connection: Connection): void {
    if (!this.cancelled) this.running = runCall(connection, this.call, this.replies)
  }

  fail(error: RpcError): void {
    if (!this.cancelled) this.replies.error(error)
  }

  unsubscribe(): void {
    this.cancelled = true
    if (this.running === undefined) this.left()
    else this.running.unsubscribe()
  }
}

/** One connection of a pool, from the first call that asks for it to its end. */
class PooledConnection {
  private readonly options: Required<PoolOptions>
  private readonly unusable: (self: PooledConnection) => void
  private waiting: Set<WaitingCall>
  private connection: Connection | undefined
  private failure: RpcError | undefined
  private lifetime: Subscription | undefined
  private timers: Subscription | undefined
  private retired: boolean
  private used: boolean

  constructor(options: Required<PoolOptions>, unusable: (self: PooledConnection) => void) {
    this.options = options
    this.unusable = unusable
    this.waiting = new Set()
    this.connection = undefined
    this.failure = undefined
    this.lifetime = undefined
    this.timers = undefined
    this.retired = false
    this.used = false
  }

  /** Calls that run on it or wait for it. */
  get running(): number {
    return this.connection?.running ?? this.waiting.size
  }

  open(connect: Observable<Connection>): void {
    const lifetime = new Subscriber<Connection>({
      next: connection => this.opened(connection),
      error: (error: unknown) => this.ended(RpcError.from(error, 'UNAVAILABLE')),
      complete: () => this.ended(closedEarly()),
    })
    this.lifetime = lifetime
    connect.subscribe(lifetime)
  }

  run(call: Call, replies: ReplyObserver): Unsubscribable {
    this.used = true
    if (this.connection !== undefined) return runCall(this.connection, call, replies)
    const waiting = new WaitingCall(call, replies, () => this.left(waiting))
    if (this.failure !== undefined) waiting.fail(this.failure)
    else this.waiting.add(waiting)
    return waiting
  }

  /** Takes no new calls and closes when the running ones have ended. */
  retire(): void {
    if (this.retired) return
    this.retired = true
    this.unusable(this)
    this.timers?.unsubscribe()
    if (this.running === 0) this.lifetime?.unsubscribe()
    else this.connection?.drain()
  }

  /** A call that waits was cancelled. */
  private left(waiting: WaitingCall): void {
    if (this.waiting.delete(waiting) && this.retired && this.running === 0) this.lifetime?.unsubscribe()
  }

  private opened(connection: Connection): void {
    this.connection = connection
    connection.status.subscribe(status => {
      if (status !== 'open') this.retire()
    })
    if (!this.retired) {
      this.watchIdleness()
      this.watchAge()
    }
    const { waiting } = this
    this.waiting = new Set()
    for (const call of waiting) call.run(connection)
    if (this.retired) connection.drain()
  }

  private ended(error: RpcError): void {
    this.failure = error
    this.retired = true
    this.unusable(this)
    this.timers?.unsubscribe()
    const { waiting } = this
    this.waiting = new Set()
    for (const call of waiting) call.fail(error)
  }

  /** One timer, not one for every time that the last call ends. */
  private watchIdleness(): void {
    const tickMs = this.options.idleMs / 2
    let idleTicks = 0
    const tick = (): boolean => {
      idleTicks = this.running === 0 && !this.used ? idleTicks + 1 : 0
      this.used = this.running > 0 // its last call may end right after this
      if (idleTicks < 2) return true
      this.retire()
      return false
    }
    this.addTimer(
      this.options.runtime.scheduler.schedule(function () {
        if (tick()) this.schedule(undefined, tickMs)
      }, tickMs),
    )
  }

  private watchAge(): void {
    const { maxAgeMs, runtime } = this.options
    if (maxAgeMs === Infinity) return
    const spread = 0.9 + 0.2 * runtime.random() // so that connections made together do not end together
    this.addTimer(runtime.scheduler.schedule(() => this.retire(), Math.min(maxAgeMs * spread, MAX_TIMER_MS)))
  }

  private addTimer(timer: Subscription): void {
    if (this.timers === undefined) this.timers = timer
    else this.timers.add(timer)
  }
}

function closedEarly(): RpcError {
  return new RpcError('UNAVAILABLE', 'the connection closed', { reason: 'connection_closed', retry: retrySafely })
}
