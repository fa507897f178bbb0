import type { RpcError } from '../../core/index.js'

/**
 * One interaction, in the table of a connection: what the frames of its stream id are told to. Bytes are views that are
 * valid during the call.
 */
export interface Stream {
  /** A PAYLOAD frame; metadata is `[metadataStart, metadataEnd)`, `metadataStart < 0` when there is none. */
  onPayload(flags: number, bytes: Uint8Array, metadataStart: number, metadataEnd: number, end: number): void
  /** A payload that cannot be taken, say because it is too large; its frames have been dropped. */
  onPayloadRefused(error: RpcError): void
  /** An ERROR frame. */
  onError(error: RpcError): void
  /** A CANCEL frame. */
  onCancel(): void
  /** A REQUEST_N frame; `Infinity` stands for no limit. */
  onRequestN(n: number): void
  /** The peer has consumed so many bytes of large items; only of streams that send items. */
  onConsumedBytes?(bytes: number): void
  /** The socket takes more, or a long payload of this stream has left, after it did not or had not. */
  onWritable(): void
  /** The connection is gone; the stream is out of the table already, perhaps since it has ended. */
  onConnectionLost(error: RpcError): void
}
