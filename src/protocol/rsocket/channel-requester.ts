import type { Unsubscribable } from 'rxjs'
import { RpcError } from '../../core/index.js'
import type { Pump } from '../../streams/index.js'
import type { ReplyObserver, StreamingCall } from '../peer.js'
import { sendError } from './error-frame.js'
import { Flag, FrameType, NONE } from './frame.js'
import { itemPump, type SendingStream } from './item-pump.js'
import { sendCancel } from './multiplexer.js'
import { ReplyReceiver } from './reply-receiver.js'
import type { RequesterContext } from './requester-context.js'
import { sendChannelRequest } from './send-request.js'

/** A call of ours with a stream of requests; ended by the replies, as an operator is. */
export class ChannelRequester implements SendingStream, Unsubscribable {
  private readonly context: RequesterContext
  private readonly observer: ReplyObserver
  private readonly replies: ReplyReceiver
  private readonly requests: Pump
  readonly id: number
  private requestsEnded: boolean
  private ended: boolean

  constructor(context: RequesterContext, call: StreamingCall, observer: ReplyObserver) {
    const credit = call.kind === 'clientStream' ? 1 : context.window
    this.context = context
    this.observer = observer
    this.replies = new ReplyReceiver(context, observer, credit)
    this.requests = itemPump(context, this, call.route, call.messages, {
      credit: 0,
      failAtOnce: true, // or it would wait for a service that never asks for requests
    })
    this.requestsEnded = false
    this.ended = false
    this.id = sendChannelRequest(context, call, this, credit)
    this.replies.opened(this.id)
  }

  /** Subscribes the requests. */
  start(): this {
    this.requests.start()
    return this
  }

  allSent(): void {
    this.requestsEnded = true
    this.context.sender.send(this.id, FrameType.PAYLOAD, Flag.COMPLETE, NONE, undefined, undefined)
  }

  /** Our own source has failed: the call ends there as cancelled, and here with that error, as through any operator. */
  sendingFailed(error: unknown): void {
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

  onWritable(): void {
    this.requests.resume()
  }

  onConnectionLost(error: RpcError): void {
    this.requests.cancel()
    if (this.ended) return // only the rest of an item was on its way
    this.ended = true
    this.replies.end()
    this.observer.error(error)
  }

  /** Cancels the call, unless it has ended. */
  unsubscribe(): void {
    if (this.ended) return
    this.end()
    sendCancel(this.context.sender, this.id)
    this.requests.cancel()
  }

  private end(): void {
    this.ended = true
    this.replies.end()
    this.context.forget(this.id)
  }
}
