import type { Subscriber, Unsubscribable } from 'rxjs'
import { emptyHeader, RpcError, type Log, type Message } from '../core/index.js'
import { runCall, type Call, type Peer, type ReplyObserver, type Route } from '../protocol/index.js'

/** Passes the bodies of replies on to the caller, and logs the ids of errors that the server has logged. */
export class BodyObserver implements ReplyObserver, Unsubscribable {
  private readonly out: Subscriber<unknown>
  private readonly log: Log
  private readonly route: Route
  private readonly streaming: boolean
  private running: Unsubscribable | undefined

  constructor(out: Subscriber<unknown>, log: Log, route: Route, streaming: boolean) {
    this.out = out
    this.log = log
    this.route = route
    this.streaming = streaming
    this.running = undefined
  }

  get closed(): boolean {
    return this.out.closed
  }

  /** Makes the call. */
  start(peer: Peer, call: Call): this {
    this.running = runCall(peer, call, this)
    return this
  }

  next(message: Message): void {
    if (this.streaming && message.body === undefined && message.header !== emptyHeader && !isEmpty(message)) return
    this.out.next(message.body)
  }

  error(thrown: unknown): void {
    const error = RpcError.from(thrown)
    if (error.reason === 'handler_failed') this.logId(error)
    this.out.error(error)
  }

  complete(): void {
    this.out.complete()
  }

  /** Cancels the call. */
  unsubscribe(): void {
    this.running?.unsubscribe()
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
