import { Subscription, type Observable, type SchedulerLike, type Unsubscribable } from 'rxjs'
import { MAX_TIMER_MS, RpcError, type Message, type Runtime } from '../core/index.js'
import {
  callOf,
  runCall,
  type Call,
  type DirectPeer,
  type Interceptor,
  type Peer,
  type ReplyObserver,
} from '../protocol/index.js'

/**
 * Ends each call that has a deadline when that passes: it fails with DEADLINE_EXCEEDED and is unsubscribed, which
 * cancels it wherever it runs. A call that starts too late does not start. Calls without a deadline cost nothing.
 *
 * Every stub does this around its interceptors; an interceptor that shortens deadlines puts it behind itself.
 */
export function enforceDeadlines(runtime: Runtime): Interceptor {
  return next => new DeadlinePeer(next, runtime)
}

class DeadlinePeer implements DirectPeer {
  private readonly next: Peer
  private readonly runtime: Runtime

  constructor(next: Peer, runtime: Runtime) {
    this.next = next
    this.runtime = runtime
  }

  call(call: Call): Observable<Message> {
    return callOf(this, call)
  }

  run(call: Call, replies: ReplyObserver): Unsubscribable {
    const { deadline } = call
    if (deadline === undefined) return runCall(this.next, call, replies)
    const { scheduler } = this.runtime
    const limitMs = deadline - scheduler.now()
    if (limitMs <= 0) {
      replies.error(tooLate(call, -limitMs))
      return Subscription.EMPTY
    }
    if (limitMs > MAX_TIMER_MS) return runCall(this.next, call, replies) // so far away, it is none
    return new LimitedCall(call, replies).start(this.next, scheduler, limitMs)
  }
}

/** A call and the timer that ends it, whichever is first. */
class LimitedCall implements ReplyObserver, Unsubscribable {
  private readonly call: Call
  private readonly replies: ReplyObserver
  private timer: Subscription | undefined
  private running: Unsubscribable | undefined
  private ended: boolean

  constructor(call: Call, replies: ReplyObserver) {
    this.call = call
    this.replies = replies
    this.timer = undefined
    this.running = undefined
    this.ended = false
  }

  get closed(): boolean {
    return this.ended || this.replies.closed
  }

  start(peer: Peer, scheduler: SchedulerLike, limitMs: number): this {
    this.timer = scheduler.schedule(() => this.expire(limitMs), limitMs)
    this.running = runCall(peer, this.call, this)
    if (this.ended) this.running.unsubscribe() // the time was up while it was being made
    return this
  }

  next(message: Message): void {
    if (!this.ended) this.replies.next(message)
  }

  error(error: unknown): void {
    if (this.end()) this.replies.error(error)
  }

  complete(): void {
    if (this.end()) this.replies.complete()
  }

  unsubscribe(): void {
    this.end()
    this.running?.unsubscribe()
  }

  private expire(limitMs: number): void {
    if (!this.end()) return
    try {
      this.running?.unsubscribe()
    } finally {
      this.replies.error(exceeded(this.call, limitMs)) // although a teardown throws
    }
  }

  private end(): boolean {
    if (this.ended) return false
    this.ended = true
    this.timer?.unsubscribe()
    return true
  }
}

function exceeded({ route }: Call, limitMs: number): RpcError {
  const message = `${route.contract}.${route.endpoint} did not end within ${round(limitMs)} ms`
  return new RpcError('DEADLINE_EXCEEDED', message, { details: { limitMs: round(limitMs) } })
}

function tooLate({ route }: Call, lateMs: number): RpcError {
  const message = `${route.contract}.${route.endpoint} was not sent: its deadline passed ${round(lateMs)} ms before`
  return new RpcError('DEADLINE_EXCEEDED', message, { reason: 'expired_before_send' })
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
