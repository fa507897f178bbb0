import type { Unsubscribable } from 'rxjs'
import type { RpcError } from '../../core/index.js'
import type { ReplyObserver, SingleCall } from '../peer.js'
import { Flag, FrameType } from './frame.js'
import { sendCancel } from './multiplexer.js'
import { ReplyReceiver } from './reply-receiver.js'
import type { RequesterContext } from './requester-context.js'
import { sendRequest } from './send-request.js'
import type { Stream } from './stream.js'

/** A call of ours that is answered with a stream. */
export class StreamRequester implements Stream, Unsubscribable {
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

  onPayloadRefused(error: RpcError): void {
    this.unsubscribe()
    this.observer.error(error)
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

  /** Cancels the call, unless it has ended. */
  unsubscribe(): void {
    if (this.ended) return
    this.end()
    sendCancel(this.context.sender, this.id)
  }

  private end(): void {
    this.ended = true
    this.replies.end()
    this.context.forget(this.id)
  }
}
