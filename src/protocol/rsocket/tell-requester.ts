import type { Unsubscribable } from 'rxjs'
import { RpcError } from '../../core/index.js'
import type { ReplyObserver, SingleCall } from '../peer.js'
import { FrameType, NONE } from './frame.js'
import { sendCancel } from './multiplexer.js'
import type { RequesterContext } from './requester-context.js'
import { sendRequest } from './send-request.js'
import type { Stream } from './stream.js'

/** A call of ours that nothing answers: it runs until its request is written, which takes time when it is long. */
export class TellRequester implements Stream, Unsubscribable {
  private readonly context: RequesterContext
  private readonly observer: ReplyObserver
  private readonly id: number
  private ended: boolean

  constructor(context: RequesterContext, call: SingleCall, observer: ReplyObserver) {
    this.context = context
    this.observer = observer
    this.ended = false
    this.id = sendRequest(context, call, this, FrameType.REQUEST_FNF, NONE)
    const { sender } = context
    if (sender.isSending(this.id)) sender.whenSent(this.id, this)
    else if (!this.ended) this.onWritable() // what got a turn before may have ended the connection
  }

  onPayload(): void {
    // There are no replies.
  }

  onPayloadRefused(): void {
    // There are no replies.
  }

  onError(error: RpcError): void {
    this.end()
    this.observer.error(error)
  }

  /** The peer takes no more of the request, so the rest of it is not sent. */
  onCancel(): void {
    this.onError(
      new RpcError('CANCELLED', 'the receiver cancelled before all of the request was sent', { reason: 'not_sent' }),
    )
  }

  onRequestN(): void {
    // There are no items.
  }

  /** The last fragment is written. */
  onWritable(): void {
    this.end()
    this.observer.complete()
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
