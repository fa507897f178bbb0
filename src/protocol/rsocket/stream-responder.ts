import type { Codec } from '../../codec/index.js'
import type { Peer, SingleCall } from '../peer.js'
import { sendError } from './error-frame.js'
import { Flag, FrameType, NONE } from './frame.js'
import { itemPump, type ItemPump, type SendingStream } from './item-pump.js'
import type { Multiplexer } from './multiplexer.js'
import { repliesOf } from './replies-of.js'

/** Answers a stream: pumps the replies as far as the requester asks for them. */
export class StreamResponder implements SendingStream {
  private readonly context: Multiplexer
  readonly id: number
  private readonly replies: ItemPump

  constructor(context: Multiplexer, codec: Codec, streamId: number, peer: Peer, call: SingleCall, credit: number) {
    this.context = context
    this.id = streamId
    this.replies = itemPump(context, this, call.route, codec, repliesOf(peer, call), { credit })
  }

  /** Makes the call. */
  start(): void {
    this.replies.start()
  }

  allSent(): void {
    this.context.forget(this.id)
    this.context.sender.send(this.id, FrameType.PAYLOAD, Flag.COMPLETE, NONE, undefined, undefined)
  }

  sendingFailed(error: unknown): void {
    this.context.forget(this.id)
    sendError(this.context.sender, this.id, error)
  }

  onPayload(): void {
    // The only request has arrived already.
  }

  onPayloadRefused(): void {
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

  onConsumedBytes(bytes: number): void {
    this.replies.consumed(bytes)
  }

  onWritable(): void {
    this.replies.resume()
  }

  onConnectionLost(): void {
    this.replies.cancel()
  }
}
