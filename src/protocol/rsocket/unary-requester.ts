import type { Unsubscribable } from 'rxjs'
import { messageOf, type Message, type RpcError } from '../../core/index.js'
import type { ReplyObserver, SingleCall } from '../peer.js'
import { Flag, FrameType, NONE } from './frame.js'
import { readItem, sendCancel } from './multiplexer.js'
import type { RequesterContext } from './requester-context.js'
import { sendRequest } from './send-request.js'
import type { Stream } from './stream.js'

/** A unary call of ours: the first PAYLOAD or ERROR ends it. */
export class UnaryRequester implements Stream, Unsubscribable {
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
        message = readItem(this.context.metadata, this.context.codec, bytes, metadataStart, metadataEnd, end)
      } catch (error) {
        this.observer.error(error)
        return
      }
      this.observer.next(message)
    } else if (this.context.metadata.foreign) {
      this.observer.next(messageOf(undefined))
    }
    this.observer.complete()
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
    this.context.forget(this.id)
  }
}
