import type { Codec } from '../../codec/index.js'
import { messageOf, RpcError, type Log, type Message, type Runtime } from '../../core/index.js'
import { Flag, FrameType, MAX_FRAME_BYTES } from './frame.js'
import { NONE, type FrameSender } from './frame-sender.js'
import { itemMetadata, readItemMetadata } from './metadata.js'
import type { Stream } from './stream.js'

/** What the streams of a connection share. */
export interface Multiplexer {
  /** The way out. */
  readonly sender: FrameSender
  /** Makes bytes of bodies. */
  readonly codec: Codec
  /** Time and chance. */
  readonly runtime: Runtime
  /** Where stalls are reported. */
  readonly log: Log
  /** Items of one stream that may be on their way to us. */
  readonly window: number
  /** Forgets a stream that has ended. */
  forget(streamId: number): void
  /** The stream waits for the socket. */
  blocked(stream: Stream): void
}

/** Most bytes of data in one frame: what a frame holds, less the most that metadata and the header take. */
export const MAX_DATA_BYTES: number = MAX_FRAME_BYTES - 16_384

/** An item ready to be sent: its data, or data with metadata. */
export type EncodedItem = Uint8Array | { readonly metadata: Uint8Array; readonly data: Uint8Array | undefined }

/** Encodes an item. Throws what the codec throws, and RESOURCE_EXHAUSTED (reason `too_large`) over the frame's limit. */
export function encodeItem(codec: Codec, message: Message): EncodedItem {
  const { header, body } = message
  const data = body === undefined ? undefined : codec.encode(body, 0)
  if (data !== undefined && data.length > MAX_DATA_BYTES) throw tooLarge(data.length)
  const metadata = itemMetadata(header, data !== undefined)
  return metadata === undefined ? (data as Uint8Array) : { metadata, data }
}

/** Sends an item as PAYLOAD with `flags` besides NEXT. */
export function sendItem(sender: FrameSender, streamId: number, item: EncodedItem, flags: number): void {
  const metadata = item instanceof Uint8Array ? undefined : item.metadata
  const data = item instanceof Uint8Array ? item : item.data
  sender.send(streamId, FrameType.PAYLOAD, Flag.NEXT | flags, NONE, metadata, data)
}

/** The error of an item that does not fit into a frame. */
export function tooLarge(bytes: number): RpcError {
  return new RpcError('RESOURCE_EXHAUSTED', `${bytes} bytes do not fit into a frame, at most ${MAX_DATA_BYTES}`, {
    reason: 'too_large',
    details: { bytes, limit: MAX_DATA_BYTES },
  })
}

/** Reads the item of a PAYLOAD frame; throws what the codec or the metadata reader throws. */
export function readItem(
  codec: Codec,
  bytes: Uint8Array,
  metadataStart: number,
  metadataEnd: number,
  end: number,
): Message {
  if (metadataStart < 0) return messageOf(codec.decodeUnsafe(bytes, metadataEnd, end))
  const { header, hasBody } = readItemMetadata(bytes, metadataStart, metadataEnd)
  return { header, body: hasBody ? codec.decodeUnsafe(bytes, metadataEnd, end) : undefined }
}

/** Writes that a teardown threw to the connection's log: it ends its own call only. */
export function logTeardown(log: Log, thrown: unknown): void {
  const { message } = RpcError.from(thrown, 'INTERNAL')
  log({ level: 'error', event: 'teardown.failed', message, fields: { error: thrown } })
}
