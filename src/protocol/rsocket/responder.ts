import { Observable, Subscriber } from 'rxjs'
import { RpcError, type Message } from '../../core/index.js'
import { CreditWindow, deliver, pump, stalledTo, type Pump, type PumpSink } from '../../streams/index.js'
import { runCall, type Call, type Peer, type SingleCall, type StreamingCall } from '../peer.js'
import { sendError } from './error-frame.js'
import { Flag, FrameType } from './frame.js'
import { NONE } from './frame-sender.js'
import { encodeItem, logTeardown, readItem, sendItem, type EncodedItem, type Multiplexer } from './multiplexer.js'
import type { Stream } from './stream.js'

/** Answers a unary call: the first message ends it. */
export class UnaryResponder extends Subscriber<Message> implements Stream {
  private readonly context: Multiplexer
  private readonly id: number

  constructor(context: Multiplexer, streamId: number) {
    super()
    this.context = context
    this.id = streamId
  }

  /** Makes the call. */
  start(peer: Peer, call: SingleCall): void {
    runCall(peer, call, this)
  }

  onPayload(): void {
    // The only request has arrived already.
  }

  onError(): void {
    this.cancel()
  }

  onCancel(): void {
    this.cancel()
  }

  onRequestN(): void {
    // The one reply needs no credit.
  }

  onWritable(): void {
    // Nothing waits.
  }

  onConnectionLost(): void {
    this.unsubscribe()
  }

  override unsubscribe(): void {
    try {
      super.unsubscribe()
    } catch (error) {
      logTeardown(this.context.log, error)
    }
  }

  protected override _next(message: Message): void {
    try {
      const item = encodeItem(this.context.codec, message)
      this.end()
      sendItem(this.context.sender, this.id, item, Flag.COMPLETE)
    } catch (error) {
      this.error(error)
      return
    }
    this.unsubscribe()
  }

  protected override _error(error: unknown): void {
    this.end()
    sendError(this.context.sender, this.id, error)
    this.unsubscribe()
  }

  protected override _complete(): void {
    this.end()
    this.context.sender.send(this.id, FrameType.PAYLOAD, Flag.COMPLETE, NONE, undefined, undefined)
    this.unsubscribe()
  }

  private cancel(): void {
    this.end()
    this.unsubscribe()
  }

  private end(): void {
    this.context.forget(this.id)
  }
}

/** Answers a stream: pumps the replies as far as the requester asks for them. */
export class StreamResponder implements Stream, PumpSink<Message, EncodedItem> {
  private readonly context: Multiplexer
  private readonly id: number
  private readonly replies: Pump

  constructor(context: Multiplexer, streamId: number, peer: Peer, call: SingleCall, credit: number) {
    this.context = context
    this.id = streamId
    this.replies = pump(repliesOf(peer, call), this, {
      name: `${call.route.contract}.${call.route.endpoint}`,
      credit,
      runtime: context.runtime,
      onStalled: stalledTo(context.log),
    })
  }

  /** Makes the call. */
  start(): void {
    this.replies.start()
  }

  get ready(): boolean {
    return this.context.sender.ready
  }

  blocked(): void {
    this.context.blocked(this)
  }

  encode(message: Message): EncodedItem {
    return encodeItem(this.context.codec, message)
  }

  send(item: EncodedItem): void {
    sendItem(this.context.sender, this.id, item, 0)
  }

  complete(): void {
    this.context.forget(this.id)
    this.context.sender.send(this.id, FrameType.PAYLOAD, Flag.COMPLETE, NONE, undefined, undefined)
  }

  fail(error: unknown): void {
    this.context.forget(this.id)
    sendError(this.context.sender, this.id, error)
  }

  teardownFailed(error: unknown): void {
    logTeardown(this.context.log, error)
  }

  onPayload(): void {
    // The only request has arrived already.
  }

  onError(): void {
    this.onCancel()
  }

  onCancel(): void {
    this.context.forget(this.id)
    this.replies.cancel()
  }

  onRequestN(n: number): void {
    this.replies.request(n)
  }

  onWritable(): void {
    this.replies.resume()
  }

  onConnectionLost(): void {
    this.replies.cancel()
  }
}

/** Answers a channel: a stream of requests, paced by how they are consumed, and a stream of replies. */
export class ChannelResponder implements Stream, PumpSink<Message, EncodedItem> {
  private readonly context: Multiplexer
  private readonly id: number
  private readonly replies: Pump
  private subscribed: boolean
  private requests: RequestReceiver | undefined
  private requestsEnded: RequestsEnd | undefined
  private repliesEnded: boolean

  constructor(
    context: Multiplexer,
    streamId: number,
    peer: Peer,
    call: Omit<StreamingCall, 'messages'>,
    credit: number,
    complete: boolean,
  ) {
    this.context = context
    this.id = streamId
    this.subscribed = false
    this.requests = undefined
    this.requestsEnded = complete ? {} : undefined
    this.repliesEnded = false
    const messages = new Observable<Message>(subscriber => this.subscribeRequests(subscriber))
    this.replies = pump(repliesOf(peer, { ...call, messages }), this, {
      name: `${call.route.contract}.${call.route.endpoint}`,
      credit,
      runtime: context.runtime,
      onStalled: stalledTo(context.log),
    })
  }

  /** Makes the call. */
  start(): void {
    this.replies.start()
  }

  get ready(): boolean {
    return this.context.sender.ready
  }

  blocked(): void {
    this.context.blocked(this)
  }

  encode(message: Message): EncodedItem {
    return encodeItem(this.context.codec, message)
  }

  send(item: EncodedItem): void {
    sendItem(this.context.sender, this.id, item, 0)
  }

  complete(): void {
    this.repliesEnded = true
    this.context.sender.send(this.id, FrameType.PAYLOAD, Flag.COMPLETE, NONE, undefined, undefined)
    if (this.requestsEnded !== undefined) this.context.forget(this.id)
    else if (this.requests === undefined) this.stopRequests()
  }

  fail(error: unknown): void {
    this.context.forget(this.id)
    this.repliesEnded = true
    sendError(this.context.sender, this.id, error)
    this.endRequests({ error: cancelled('the call has failed') })
  }

  teardownFailed(error: unknown): void {
    logTeardown(this.context.log, error)
  }

  onPayload(flags: number, bytes: Uint8Array, metadataStart: number, metadataEnd: number, end: number): void {
    if (this.requestsEnded !== undefined) return // what was on its way when we said CANCEL
    const last = (flags & Flag.COMPLETE) !== 0
    if ((flags & Flag.NEXT) !== 0) {
      const error = this.receive(bytes, metadataStart, metadataEnd, end)
      if (error !== undefined) {
        this.abandon(RpcError.from(error, 'INTERNAL'))
        sendError(this.context.sender, this.id, error)
        return
      }
    }
    if (last) this.endRequests({})
  }

  onError(error: RpcError): void {
    this.abandon(error)
  }

  onCancel(): void {
    this.abandon(cancelled('the caller has cancelled the call'))
  }

  onRequestN(n: number): void {
    this.replies.request(n)
  }

  onWritable(): void {
    this.replies.resume()
  }

  onConnectionLost(error: RpcError): void {
    this.abandon(error)
  }

  /** The handler no longer wants requests; replies may go on. */
  stopRequests(): void {
    if (this.requestsEnded !== undefined) return
    this.requestsEnded = {}
    this.requests = undefined
    this.context.sender.send(this.id, FrameType.CANCEL, 0, NONE, undefined, undefined)
    if (this.repliesEnded) this.context.forget(this.id)
  }

  private subscribeRequests(subscriber: Subscriber<Message>): void {
    if (this.subscribed) {
      subscriber.error(
        new RpcError('FAILED_PRECONDITION', 'the requests of a call can be subscribed once; share() them', {
          reason: 'requests_subscribed_twice',
        }),
      )
      return
    }
    this.subscribed = true
    if (this.requestsEnded !== undefined) {
      end(subscriber, this.requestsEnded)
      return
    }
    const { context, id } = this
    this.requests = new RequestReceiver(subscriber, context.window, n => {
      context.sender.send(id, FrameType.REQUEST_N, 0, n, undefined, undefined)
    })
    context.sender.send(id, FrameType.REQUEST_N, 0, context.window, undefined, undefined)
    subscriber.add(() => this.stopRequests())
  }

  private receive(bytes: Uint8Array, metadataStart: number, metadataEnd: number, end: number): unknown {
    if (this.requests === undefined || !this.requests.window.receive()) {
      return new RpcError('RESOURCE_EXHAUSTED', 'more requests than the handler asked for', {
        reason: 'credit_exceeded',
      })
    }
    let message: Message
    try {
      message = readItem(this.context.codec, bytes, metadataStart, metadataEnd, end)
    } catch (error) {
      return error
    }
    deliver(this.requests.subscriber, message, this.requests.onConsumed)
    return undefined
  }

  private endRequests(how: RequestsEnd): void {
    if (this.requestsEnded !== undefined) return
    this.requestsEnded = how
    const requests = this.requests
    this.requests = undefined
    if (this.repliesEnded) this.context.forget(this.id)
    if (requests !== undefined) end(requests.subscriber, how)
  }

  private abandon(error: RpcError): void {
    const requests = this.requests
    this.requestsEnded ??= { error } // before the handler's teardown, which would tell a caller that has left already
    this.requests = undefined
    this.repliesEnded = true
    this.context.forget(this.id)
    this.replies.cancel()
    requests?.subscriber.error(error)
  }
}

/** What `peer` answers; that it throws is an answer, too. */
function repliesOf(peer: Peer, call: Call): Observable<Message> {
  return new Observable(subscriber => runCall(peer, call, subscriber))
}

interface RequestsEnd {
  readonly error?: RpcError
}

class RequestReceiver {
  readonly subscriber: Subscriber<Message>
  readonly window: CreditWindow
  readonly onConsumed: () => void

  constructor(subscriber: Subscriber<Message>, size: number, grant: (n: number) => void) {
    this.subscriber = subscriber
    this.window = new CreditWindow(size, grant)
    this.onConsumed = () => {
      if (!subscriber.closed) this.window.consume()
    }
  }
}

function end(subscriber: Subscriber<Message>, { error }: RequestsEnd): void {
  if (error === undefined) subscriber.complete()
  else subscriber.error(error)
}

function cancelled(message: string): RpcError {
  return new RpcError('CANCELLED', message, { reason: 'cancelled' })
}
