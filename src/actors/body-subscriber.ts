import { Subscriber } from 'rxjs'
import { emptyHeader, RpcError, type Log, type Message } from '../core/index.js'
import type { Route } from '../protocol/index.js'

/** Passes the bodies of replies on to the caller, and logs the ids of errors that the server has logged. */
export class BodySubscriber extends Subscriber<Message> {
  private readonly out: Subscriber<unknown>
  private readonly log: Log
  private readonly route: Route
  private readonly streaming: boolean

  constructor(out: Subscriber<unknown>, log: Log, route: Route, streaming: boolean) {
    super(out)
    this.out = out
    this.log = log
    this.route = route
    this.streaming = streaming
  }

  protected override _next(message: Message): void {
    if (this.streaming && message.body === undefined && message.header !== emptyHeader && !isEmpty(message)) return
    this.out.next(message.body)
  }

  protected override _error(thrown: unknown): void {
    const error = RpcError.from(thrown)
    if (error.reason === 'handler_failed') this.logId(error)
    this.out.error(error)
  }

  private logId(error: RpcError): void {
    const endpoint = `${this.route.contract}.${this.route.endpoint}`
    const { details } = error
    const errorId =
      typeof details === 'object' && details !== null && 'errorId' in details ? details['errorId'] : undefined
    this.log({
      level: 'error',
      event: 'call.failed',
      message: `${endpoint}: ${error.message}`,
      fields: { endpoint, errorId, hops: error.hops },
    })
  }
}

/** A reply of a stream without a body but with a header carries trailers; without both it is an `undefined` item. */
function isEmpty({ header }: Message): boolean {
  for (const _ in header) return false
  return true
}
