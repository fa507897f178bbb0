import type { Unsubscribable } from 'rxjs'
import { emptyHeader, RpcError } from '../../core/index.js'
import type { ReplyObserver, StreamingCall } from '../peer.js'
import { sendError } from './error-frame.js'
import { Flag, FrameType, NONE } from './frame.js'
import { itemPump, type ItemPump, type SendingStream } from './item-pump.js'
import { sendCancel, type EncodedItem } from './multiplexer.js'
import { neverSent } from './never-sent.js'
import { ReplyReceiver } from './reply-receiver.js'
import type { RequesterContext } from './requester-context.js'
import { NO_REQUEST, sendChannelRequest, type FirstRequest } from './send-request.js'

/**
 * A call of ours with a stream of requests; ended by the replies, as an operator is. Foreign peers take the frame that
 * opens it for the first request, so for them it is opened when there is one.
 */
export class ChannelRequester implements SendingStream, Unsubscribable {
  private readonly context: RequesterContext
  private readonly call: StreamingCall
  private readonly credit: number
  private readonly observer: ReplyObserver
  private readonly replies: ReplyReceiver
  private readonly requests: ItemPump
  id: number
  private requestsEnded: boolean
  private ended: boolean

  constructor(context: RequesterContext, call: StreamingCall, observer: ReplyObserver) {
    this.context = context
    this.call = call
    this.credit = call.kind === 'clientStream' ? 1 : context.window
    this.observer = observer
    this.replies = new ReplyReceiver(context, observer, this.credit)
    this.requests = itemPump(context, this, call.route, context.codec, call.messages, {
      credit: context.metadata.foreign ? 1 : 0,
      failAtOnce: true, // or it would wait for a service that never asks for requests
    })
    this.requestsEnded = false
    this.ended = false
    this.id = 0
  }

  /** Opens the channel, unless its first request has to, and subscribes the requests. */
  start(): this {
    if (this.context.metadata.foreign) this.context.unopened.add(this)
    else this.open(NO_REQUEST)
    this.requests.start()
    return this
  }

  openWith(item: EncodedItem): void {
    const first = item instanceof Uint8Array ? { data: item, header: emptyHeader } : item
    this.openLate({ ...first, complete: false })
  }

  allSent(): void {
    this.requestsEnded = true
    if (this.id === 0) {
      try {
        this.openLate({ ...NO_REQUEST, complete: true })
      } catch (error) {
        this.sendingFailed(error)
      }
      return
    }
    this.context.sender.send(this.id, FrameType.PAYLOAD, Flag.COMPLETE, NONE, undefined, undefined)
  }

  /** Our own source has failed: the call ends there as cancelled, and here with that error, as through any operator. */
  sendingFailed(error: unknown): void {
    if (this.ended) return
    this.end()
    if (this.id !== 0) {
      sendError(this.context.sender, this.id, RpcError.from(error, 'CANCELLED', { reason: 'requests_failed' }))
    }
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

  onPayloadRefused(error: RpcError): void {
    this.unsubscribe()
    this.observer.error(error)
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

  onConsumedBytes(bytes: number): void {
    this.requests.consumed(bytes)
  }

  onWritable(): void {
    this.requests.resume()
  }

  onConnectionLost(error: RpcError): void {
    this.requests.cancel()
    if (this.ended) return // only the rest of an item was on its way
    this.ended = true
    this.replies.end()
    this.observer.error(this.id === 0 ? neverSent(error) : error)
  }

  /** Cancels the call, unless it has ended. */
  unsubscribe(): void {
    if (this.ended) return
    this.end()
    if (this.id !== 0) sendCancel(this.context.sender, this.id)
    this.requests.cancel()
  }

  /** As {@link open}, after time has passed. */
  private openLate(first: FirstRequest): void {
    const refusal = this.context.refusal()
    if (refusal !== undefined) throw refusal
    this.open(first)
    this.context.unopened.delete(this)
  }

  private open(first: FirstRequest): void {
    this.id = sendChannelRequest(this.context, this.call, this, this.credit, first)
    this.replies.opened(this.id)
  }

  private end(): void {
    this.ended = true
    this.replies.end()
    if (this.id !== 0) {
      this.context.forget(this.id)
      return
    }
    this.context.unopened.delete(this)
    this.context.sender.unblocked(this)
  }
}
