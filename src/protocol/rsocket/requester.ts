import { Subscription, type Unsubscribable } from 'rxjs'
import { RpcError } from '../../core/index.js'
import type { Message } from '../../core/index.js'
import { CreditWindow, deliver, pump, stalledTo, type Pump, type PumpSink } from '../../streams/index.js'
import type { Call, ReplyObserver, SingleCall, StreamingCall } from '../peer.js'
import { sendError } from './error-frame.js'
import { Flag, FrameType } from './frame.js'
import { NONE } from './frame-sender.js'
import type { RouteWriter } from './metadata.js'
import {
  encodeItem,
  logTeardown,
  MAX_DATA_BYTES,
  readItem,
  sendItem,
  tooLarge,
  type EncodedItem,
  type Multiplexer,
} from './multiplexer.js'
import type { Stream } from './stream.js'

/** What a requester needs of its connection. */
export interface RequesterContext extends Multiplexer {
  /** Writes the metadata of requests. */
  readonly routes: RouteWriter
  /** Why no request can be made now, if so. */
  refusal(): RpcError | undefined
  /** Gives the next stream id, and enters the stream into the table if there is one. */
  open(stream: Stream | undefined): number
}

/** Makes a call over a connection. Throws when the body cannot be encoded or is too large. */
export function request(context: RequesterContext, call: Call, replies: ReplyObserver): Unsubscribable {
  const refusal = context.refusal()
  if (refusal !== undefined) {
    replies.error(refusal)
    return Subscription.EMPTY
  }
  switch (call.kind) {
    case 'unary':
      return new UnaryRequester(context, call, replies)
    case 'serverStream':
      return new StreamRequester(context, call, replies)
    case 'tell':
      sendRequest(context, call, undefined, FrameType.REQUEST_FNF, NONE)
      replies.complete()
      return Subscription.EMPTY
    case 'clientStream':
    case 'duplex':
      return new ChannelRequester(context, call, replies).start()
  }
}

/** A stream that can be cancelled. */
interface Requester extends Stream, Unsubscribable {}

class UnaryRequester implements Requester {
  private readonly context: RequesterContext
  private readonly observer: ReplyObserver
  private readonly id: number
  private ended: boolean

  constructor(context: RequesterContext, call: SingleCall, observer: ReplyObserver) {
    this.context = context
    this.observer = observer
    this.ended = false
    this.id = sendRequest(context, call, this, FrameType.REQUEST_RESPONSE, NONE)
  }

  onPayload(flags: number, bytes: Uint8Array, metadataStart: number, metadataEnd: number, end: number): void {
    this.end()
    if ((flags & Flag.NEXT) !== 0) {
      let message: Message
      try {
        message = readItem(this.context.codec, bytes, metadataStart, metadataEnd, end)
      } catch (error) {
        this.observer.error(error)
        return
      }
      this.observer.next(message)
    }
    this.observer.complete()
  }

  onError(error: RpcError): void {
    this.end()
    this.observer.error(error)
  }

  onCancel(): void {
    // Only a channel's requester can be told to stop.
  }

  onRequestN(): void {
    // Only a channel's requester sends items.
  }

  onWritable(): void {
    // Nothing waits.
  }

  onConnectionLost(error: RpcError): void {
    this.ended = true
    this.observer.error(error)
  }

  unsubscribe(): void {
    if (this.ended) return
    this.end()
    this.context.sender.send(this.id, FrameType.CANCEL, 0, NONE, undefined, undefined)
  }

  private end(): void {
    this.ended = true
    this.context.forget(this.id)
  }
}

/** The receiving half that streams and channels share. */
class ReplyReceiver {
  private readonly context: RequesterContext
  private readonly observer: ReplyObserver
  private readonly window: CreditWindow
  private readonly onConsumed: () => void
  private id: number
  private ended: boolean

  constructor(context: RequesterContext, observer: ReplyObserver, credit: number) {
    this.context = context
    this.observer = observer
    this.id = 0
    this.ended = false
    this.window = new CreditWindow(credit, n => {
      this.context.sender.send(this.id, FrameType.REQUEST_N, 0, n, undefined, undefined)
    })
    this.onConsumed = () => {
      if (!this.ended) this.window.consume()
    }
  }

  /** The id is known once the request is sent. */
  opened(id: number): void {
    this.id = id
  }

  /** No credit goes out any more. */
  end(): void {
    this.ended = true
  }

  /** Delivers the item of a PAYLOAD frame. Gives what is wrong with it, if anything. */
  receive(bytes: Uint8Array, metadataStart: number, metadataEnd: number, end: number, last: boolean): unknown {
    if (!this.window.receive()) return creditExceeded()
    let message: Message
    try {
      message = readItem(this.context.codec, bytes, metadataStart, metadataEnd, end)
    } catch (error) {
      return error
    }
    if (last) this.ended = true
    deliver(this.observer, message, this.onConsumed)
    return undefined
  }
}

class StreamRequester implements Requester {
  private readonly context: RequesterContext
  private readonly observer: ReplyObserver
  private readonly replies: ReplyReceiver
  private readonly id: number
  private ended: boolean

  constructor(context: RequesterContext, call: SingleCall, observer: ReplyObserver) {
    this.context = context
    this.observer = observer
    this.replies = new ReplyReceiver(context, observer, context.window)
    this.ended = false
    this.id = sendRequest(context, call, this, FrameType.REQUEST_STREAM, context.window)
    this.replies.opened(this.id)
  }

  onPayload(flags: number, bytes: Uint8Array, metadataStart: number, metadataEnd: number, end: number): void {
    const last = (flags & Flag.COMPLETE) !== 0
    if (last) this.end()
    if ((flags & Flag.NEXT) !== 0) {
      const error = this.replies.receive(bytes, metadataStart, metadataEnd, end, last)
      if (error !== undefined) {
        this.unsubscribe()
        this.observer.error(error)
        return
      }
    }
    if (last) this.observer.complete()
  }

  onError(error: RpcError): void {
    this.end()
    this.observer.error(error)
  }

  onCancel(): void {
    // Only a channel's requester can be told to stop.
  }

  onRequestN(): void {
    // Only a channel's requester sends items.
  }

  onWritable(): void {
    // Nothing waits.
  }

  onConnectionLost(error: RpcError): void {
    this.ended = true
    this.replies.end()
    this.observer.error(error)
  }

  unsubscribe(): void {
    if (this.ended) return
    this.end()
    this.context.sender.send(this.id, FrameType.CANCEL, 0, NONE, undefined, undefined)
  }

  private end(): void {
    this.ended = true
    this.replies.end()
    this.context.forget(this.id)
  }
}

class ChannelRequester implements Requester, PumpSink<Message, EncodedItem> {
  private readonly context: RequesterContext
  private readonly observer: ReplyObserver
  private readonly replies: ReplyReceiver
  private readonly requests: Pump
  private readonly id: number
  private requestsEnded: boolean
  private ended: boolean

  constructor(context: RequesterContext, call: StreamingCall, observer: ReplyObserver) {
    const credit = call.kind === 'clientStream' ? 1 : context.window
    this.context = context
    this.observer = observer
    this.replies = new ReplyReceiver(context, observer, credit)
    this.requests = pump(call.messages, this, {
      name: `${call.route.contract}.${call.route.endpoint}`,
      credit: 0,
      failAtOnce: true, // or it would wait for a service that never asks for requests
      runtime: context.runtime,
      onStalled: stalledTo(context.log),
    })
    this.requestsEnded = false
    this.ended = false
    this.id = openChannel(context, call, this, credit)
    this.replies.opened(this.id)
  }

  start(): this {
    this.requests.start()
    return this
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
    this.requestsEnded = true
    this.context.sender.send(this.id, FrameType.PAYLOAD, Flag.COMPLETE, NONE, undefined, undefined)
  }

  teardownFailed(error: unknown): void {
    logTeardown(this.context.log, error)
  }

  /** Our own source has failed: the call ends there as cancelled, and here with that error, as through any operator. */
  fail(error: unknown): void {
    if (this.ended) return
    this.end()
    sendError(this.context.sender, this.id, RpcError.from(error, 'CANCELLED', { reason: 'requests_failed' }))
    this.observer.error(error)
  }

  onPayload(flags: number, bytes: Uint8Array, metadataStart: number, metadataEnd: number, end: number): void {
    const last = (flags & Flag.COMPLETE) !== 0
    if (last && this.requestsEnded) this.end()
    if ((flags & Flag.NEXT) !== 0) {
      const error = this.replies.receive(bytes, metadataStart, metadataEnd, end, last)
      if (error !== undefined) {
        this.unsubscribe()
        this.observer.error(error)
        return
      }
    }
    if (!last) return
    this.unsubscribe() // as through any operator, the end of the replies unsubscribes the source of the requests
    this.observer.complete()
  }

  onError(error: RpcError): void {
    this.end()
    this.requests.cancel()
    this.observer.error(error)
  }

  onCancel(): void {
    this.requestsEnded = true
    this.requests.cancel()
  }

  onRequestN(n: number): void {
    this.requests.request(n)
  }

  onWritable(): void {
    this.requests.resume()
  }

  onConnectionLost(error: RpcError): void {
    this.ended = true
    this.replies.end()
    this.requests.cancel()
    this.observer.error(error)
  }

  unsubscribe(): void {
    if (this.ended) return
    this.end()
    this.context.sender.send(this.id, FrameType.CANCEL, 0, NONE, undefined, undefined)
    this.requests.cancel()
  }

  private end(): void {
    this.ended = true
    this.replies.end()
    this.context.forget(this.id)
  }
}

function sendRequest(
  context: RequesterContext,
  call: SingleCall,
  stream: Stream | undefined,
  type: number,
  initialN: number,
): number {
  const { codec, routes, sender } = context
  const { route, header, body } = call
  const data = body === undefined ? undefined : codec.encode(body, 0)
  // Checked before the route is interned: what the metadata defines must be sent.
  if (data !== undefined && data.length > MAX_DATA_BYTES) throw tooLarge(data.length)
  const metadata = routes.request(route, remainingMs(context, call), header, data !== undefined, false)
  const id = context.open(stream)
  try {
    sender.send(id, type, 0, initialN, metadata, data)
  } catch (error) {
    context.forget(id)
    routes.unsent(route)
    throw error
  }
  return id
}

function openChannel(context: RequesterContext, call: StreamingCall, stream: Stream, initialN: number): number {
  const { routes, sender } = context
  const { route, header, kind } = call
  const metadata = routes.request(route, remainingMs(context, call), header, false, kind === 'clientStream')
  const id = context.open(stream)
  try {
    sender.send(id, FrameType.REQUEST_CHANNEL, 0, initialN, metadata, undefined)
  } catch (error) {
    context.forget(id)
    routes.unsent(route)
    throw error
  }
  return id
}

function remainingMs(context: RequesterContext, { deadline }: Call): number | undefined {
  return deadline === undefined ? undefined : deadline - context.runtime.scheduler.now()
}

function creditExceeded(): RpcError {
  return new RpcError('RESOURCE_EXHAUSTED', 'the peer sent more items than it was asked for', {
    reason: 'credit_exceeded',
  })
}
