import { map, type Observable, type Subscriber, type Unsubscribable } from 'rxjs'
import { RpcError, type Message, type Runtime } from '../core/index.js'
import type { Call, StreamingCall } from '../protocol/index.js'
import type { Stalled } from '../streams/index.js'
import { CallContext } from './call-context.js'
import { checkEach } from './check-each.js'
import type { Context } from './context.js'
import type { Faults } from './faults.js'
import type { SchemaCheck } from './schema-check.js'

/** An endpoint as the server answers it; made once. */
export interface ServedEndpoint {
  /** `contract.endpoint`. */
  readonly name: string
  /** The handler, bound. */
  readonly handler: (input: unknown, context: Context) => unknown
  /** Checks requests. */
  readonly request: SchemaCheck | undefined
  /** Checks replies. */
  readonly reply: SchemaCheck | undefined
  /** Whether replies pace the requests. */
  readonly paceByReply: boolean
  /** Makes errors for the caller. */
  readonly faults: Faults
  /** Told when requests are held and nothing moves. */
  readonly onStalled: (event: Stalled) => void
  /** Time and chance. */
  readonly runtime: Runtime
}

/** Answers one call of an endpoint into its subscriber. */
export type Answer = (call: Call, subscriber: Subscriber<Message>) => void

/**
 * One call at the server: checks the request, runs the handler, and is the teardown of both. Sub-classes say what a
 * handler's result means.
 */
export abstract class RunningCall implements Unsubscribable {
  protected readonly served: ServedEndpoint
  protected readonly call: Call
  protected readonly subscriber: Subscriber<Message>
  protected readonly context: CallContext

  constructor(served: ServedEndpoint, call: Call, subscriber: Subscriber<Message>) {
    this.served = served
    this.call = call
    this.subscriber = subscriber
    this.context = new CallContext(call, served.runtime)
  }

  /** Runs the handler, unless the time is already up or the request is refused. */
  start(): void {
    const { call, served } = this
    this.subscriber.add(this)
    if (call.deadline !== undefined && this.context.remainingMs() === 0) {
      this.fail(expiredInQueue(served.name, served.runtime.scheduler.now() - call.deadline))
    } else if ('messages' in call) this.run(this.requests(call))
    else if (served.request === undefined) this.run(call.body)
    else this.checkThen(served.request, call.body, value => this.run(value))
  }

  /** Tears the handler down, if it has not ended. */
  unsubscribe(): void {
    this.context.unsubscribe()
  }

  /** Ends the call with the error for its caller. */
  fail(error: unknown): void {
    if (this.subscriber.closed) return // a consequence of the cancellation
    this.context.end()
    this.subscriber.error(this.served.faults.passOn(error))
  }

  /** Takes the handler's result. */
  protected abstract take(result: unknown): void

  /** Checks a value and goes on in the same turn when the check does. */
  protected checkThen(check: SchemaCheck, value: unknown, next: (value: unknown) => void): void {
    let checked: unknown
    try {
      checked = check(value)
    } catch (error) {
      this.fail(error)
      return
    }
    if (checked instanceof Promise) this.whenResolved(checked, next)
    else next(checked)
  }

  /** Goes on with what a promise resolves to, unless the call has ended by then. */
  protected whenResolved(promise: PromiseLike<unknown>, next: (value: unknown) => void): void {
    const resolved = (value: unknown): void => {
      if (!this.subscriber.closed) next(value)
    }
    promise.then(resolved, (error: unknown) => this.fail(error))
  }

  private run(input: unknown): void {
    let result: unknown
    try {
      result = this.served.handler(input, this.context)
    } catch (error) {
      this.fail(error)
      return
    }
    this.take(result)
  }

  private requests({ messages }: StreamingCall): Observable<unknown> {
    const bodies = messages.pipe(map(bodyOf))
    return this.served.request === undefined ? bodies : bodies.pipe(checkEach(this.served.request, this.served))
  }
}

/** Whether a value is a promise of any make. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    typeof (value as Partial<PromiseLike<unknown>>).then === 'function'
  )
}

function bodyOf(message: Message): unknown {
  return message.body
}

function expiredInQueue(name: string, lateMs: number): RpcError {
  const message = `${name}: the deadline passed ${Math.round(lateMs)} ms before the handler could run`
  return new RpcError('DEADLINE_EXCEEDED', message, { reason: 'expired_in_queue' })
}
