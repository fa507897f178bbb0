import { isObservable, Subscriber } from 'rxjs'
import { messageOf, RpcError, type Message } from '../core/index.js'
import { isThenable, RunningCall, type Answer, type ServedEndpoint } from './running-call.js'

/** Answers `unary` and `clientStream` calls: the handler gives a value, a promise, or an Observable of exactly one. */
export function oneReply(served: ServedEndpoint): Answer {
  return (call, subscriber) => new OneReply(served, call, subscriber).start()
}

class OneReply extends RunningCall {
  /** The handler's value is known. */
  settle(value: unknown): void {
    const { reply } = this.served
    if (reply === undefined) this.send(value)
    else this.checkThen(reply, value, checked => this.send(checked))
  }

  /** The handler's Observable emitted another number of values than one. */
  failCount(count: string): void {
    const message = `${this.served.name}: the handler's Observable emitted ${count}, exactly one reply is due`
    this.fail(new RpcError('INTERNAL', message, { reason: 'not_exactly_one' }))
  }

  protected take(result: unknown): void {
    if (isObservable(result)) result.subscribe(new ExactlyOneSubscriber(this.subscriber, this))
    else if (isThenable(result)) this.whenResolved(result, value => this.settle(value))
    else this.settle(result)
  }

  private send(value: unknown): void {
    this.context.end()
    this.subscriber.next(messageOf(value))
    this.subscriber.complete()
  }
}

/** The reply leaves when the Observable has completed: before that, there could be a second one. */
class ExactlyOneSubscriber extends Subscriber<unknown> {
  private readonly running: OneReply
  private emitted: boolean
  private value: unknown

  constructor(out: Subscriber<Message>, running: OneReply) {
    super(out)
    this.running = running
    this.emitted = false
    this.value = undefined
  }

  protected override _next(value: unknown): void {
    if (this.emitted) {
      this.running.failCount('more than one value')
      return
    }
    this.emitted = true
    this.value = value
  }

  protected override _error(error: unknown): void {
    this.running.fail(error)
  }

  protected override _complete(): void {
    if (this.emitted) this.running.settle(this.value)
    else this.running.failCount('no value')
  }
}
