import { Observable, type Subscriber } from 'rxjs'
import type { Codec } from '../../codec/index.js'
import { RpcError, type Message } from '../../core/index.js'
import { CreditWindow, deliver } from '../../streams/index.js'
import type { Peer, StreamingCall } from '../peer.js'
import { sendError } from './error-frame.js'
import { consumption } from './consumed-bytes.js'
import { Flag, FrameType, NONE } from './frame.js'
import { itemPump, type ItemPump, type SendingStream } from './item-pump.js'
import { readItem, type Multiplexer } from './multiplexer.js'
import { repliesOf } from './replies-of.js'

/** Answers a channel: a stream of requests, paced by how they are consumed, and a stream of replies. */
export class ChannelResponder implements SendingStream {
  private readonly context: Multiplexer
  readonly id: number
  private readonly replies: ItemPump
  private subscribed: boolean
  private readonly codec: Codec
  private first: Message | undefined
  private requests: RequestReceiver | undefined
  private requestsEnded: RequestsEnd | undefined
  private repliesEnded: boolean

  constructor(
    context: Multiplexer,
    streamId: number,
    peer: Peer,
    call: Omit<StreamingCall, 'messages'>,
    { credit, complete, first, requestCodec, replyCodec }: OpenedChannel,
  ) {
    this.context = context
    this.id = streamId
    this.codec = requestCodec
    this.first = first
    this.subscribed = false
    this.requests = undefined
    this.requestsEnded = complete ? {} : undefined
    this.repliesEnded = false
    const messages = new Observable<Message>(subscriber => this.subscribeRequests(subscriber))
    this.replies = itemPump(context, this, call.route, replyCodec, repliesOf(peer, { ...call, messages }), { credit })
  }

  /** Makes the call. */
  start(): void {
    this.replies.start()
  }

  allSent(): void {
    this.repliesEnded = true
    this.context.sender.send(this.id, FrameType.PAYLOAD, Flag.COMPLETE, NONE, undefined, undefined)
    if (this.requestsEnded !== undefined) this.context.forget(this.id)
    else if (this.requests === undefined) this.stopRequests()
  }

  sendingFailed(error: unknown): void {
    this.context.forget(this.id)
    this.repliesEnded = true
    sendError(this.context.sender, this.id, error)
    this.endRequests({ error: cancelled('the call has failed') })
  }

  onPayload(flags: number, bytes: Uint8Array, metadataStart: number, metadataEnd: number, end: number): void {
    if (this.requestsEnded !== undefined) return // what was on its way when we said CANCEL
    const last = (flags & Flag.COMPLETE) !== 0
    if ((flags & Flag.NEXT) !== 0) {
      const error = this.receive(bytes, metadataStart, metadataEnd, end)
      if (error !== undefined) {
        this.onPayloadRefused(RpcError.from(error, 'INTERNAL'))
        return
      }
    }
    if (last) this.endRequests({})
  }

  onPayloadRefused(error: RpcError): void {
    this.abandon(error)
    sendError(this.context.sender, this.id, error)
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

  onConsumedBytes(bytes: number): void {
    this.replies.consumed(bytes)
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
    const { first } = this
    this.first = undefined
    if (this.requestsEnded !== undefined) {
      if (first !== undefined && this.requestsEnded.error === undefined) deliver(subscriber, first, noCredit)
      end(subscriber, this.requestsEnded)
      return
    }
    const { context, id } = this
    this.requests = new RequestReceiver(subscriber, context.window, n => {
      context.sender.send(id, FrameType.REQUEST_N, 0, n, undefined, undefined)
    })
    context.sender.send(id, FrameType.REQUEST_N, 0, context.window, undefined, undefined)
    subscriber.add(() => this.stopRequests())
    if (first !== undefined) deliver(subscriber, first, noCredit)
  }

  private receive(bytes: Uint8Array, metadataStart: number, metadataEnd: number, end: number): unknown {
    if (this.requests === undefined || !this.requests.window.receive()) {
      return new RpcError('RESOURCE_EXHAUSTED', 'more requests than the handler asked for', {
        reason: 'credit_exceeded',
      })
    }
    let message: Message
    try {
      message = readItem(this.context.metadata, this.codec, bytes, metadataStart, metadataEnd, end)
    } catch (error) {
      return error
    }
    const { subscriber, consume } = this.requests
    deliver(subscriber, message, consumption(this.context, this.id, end - metadataEnd, consume))
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

/** What the frame that opened a channel said. */
export interface OpenedChannel {
  /** Initial request-n: replies that may be sent. */
  readonly credit: number
  /** Whether there are no requests, or none but the first. */
  readonly complete: boolean
  /** The request that came with the frame; it has used no credit. */
  readonly first: Message | undefined
  /** Reads requests. */
  readonly requestCodec: Codec
  /** Writes replies. */
  readonly replyCodec: Codec
}

function noCredit(): void {
  // There is none to give back.
}

interface RequestsEnd {
  readonly error?: RpcError
}

class RequestReceiver {
  readonly subscriber: Subscriber<Message>
  readonly window: CreditWindow
  readonly consume: () => boolean

  constructor(subscriber: Subscriber<Message>, size: number, grant: (n: number) => void) {
    this.subscriber = subscriber
    this.window = new CreditWindow(size, grant)
    this.consume = () => {
      if (!subscriber.closed) this.window.consume()
      return !subscriber.closed
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
