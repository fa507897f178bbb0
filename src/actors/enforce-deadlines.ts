import type { Observable, Subscriber } from 'rxjs'
import { RpcError, type Message, type Runtime } from '../core/index.js'
import { callOf, runCall, type Call, type DirectPeer, type Interceptor, type Peer } from '../protocol/index.js'

/** Longest time that platforms' timers keep, ms; a deadline further away (24 days) is none. */
export const MAX_DEADLINE_MS = 2_147_483_647

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

  run(call: Call, subscriber: Subscriber<Message>): void {
    if (call.deadline === undefined || this.limit(call, call.deadline, subscriber)) runCall(this.next, call, subscriber)
  }

  /** Starts the clock. False when the time is up already. */
  private limit(call: Call, deadline: number, subscriber: Subscriber<Message>): boolean {
    const { scheduler } = this.runtime
    const limitMs = deadline - scheduler.now()
    if (limitMs <= 0) {
      subscriber.error(tooLate(call, -limitMs))
      return false
    }
    if (limitMs <= MAX_DEADLINE_MS) {
      subscriber.add(scheduler.schedule(() => subscriber.error(exceeded(call, limitMs)), limitMs))
    }
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
