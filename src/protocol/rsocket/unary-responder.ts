import { Subscriber } from 'rxjs'
import type { Codec } from '../../codec/index.js'
import { emptyHeader, type Message } from '../../core/index.js'
import { runCall, type Peer, type SingleCall } from '../peer.js'
import { sendError } from './error-frame.js'
import { Flag, FrameType, NONE } from './frame.js'
import { encodeItem, logTeardown, sendItem, type Multiplexer } from './multiplexer.js'
import type { Stream } from './stream.js'

/** Answers a unary call: the first message ends it. */
export class UnaryResponder extends Subscriber<Message> implements Stream {
  private readonly context: Multiplexer
  private readonly codec: Codec
  private readonly id: number

  constructor(context: Multiplexer, codec: Codec, streamId: number) {
    super()
    this.context = context
    this.codec = codec
    this.id = streamId
  }

  /** Makes the call. */
  start(peer: Peer, call: SingleCall): void {
    runCall(peer, call, this)
  }

  onPayload(): void {
    // The only request has arrived already.
  }

  onPayloadRefused(): void {
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
      if (message.body === undefined && message.header === emptyHeader && this.context.metadata.foreign) {
        this._complete() // to other implementations, an item without data is one that does not decode
        return
      }
      const item = encodeItem(this.context.metadata, this.codec, message)
      const refusal = this.context.replyRefusal()
      if (refusal !== undefined) throw refusal
      sendItem(this.context.sender, this.id, item, Flag.COMPLETE)
      this.end() // then: a connection that drains would close while a long reply has not begun to leave
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
