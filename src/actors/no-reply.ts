import { isObservable, type Subscription } from 'rxjs'
import { isThenable, RunningCall, type Answer, type ServedEndpoint } from './running-call.js'

/** Answers `tell` calls: the handler's result is not looked at, and its errors are logged, for nobody waits for them. */
export function noReply(served: ServedEndpoint): Answer {
  return (call, subscriber) => new NoReply(served, call, subscriber).start()
}

class NoReply extends RunningCall {
  private work: Subscription | undefined

  override unsubscribe(): void {
    super.unsubscribe()
    this.work?.unsubscribe()
  }

  override fail(error: unknown): void {
    this.served.faults.swallow(error)
    this.done()
  }

  protected take(result: unknown): void {
    if (isObservable(result)) {
      this.work = result.subscribe({ error: error => this.fail(error), complete: () => this.done() })
    } else if (isThenable(result)) this.whenResolved(result, () => this.done())
    else this.done()
  }

  private done(): void {
    this.context.end()
    this.subscriber.complete()
  }
}
