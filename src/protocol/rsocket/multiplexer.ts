import type { Codec } from '../../codec/index.js'
import { messageOf, RpcError, type Log, type Message, type Runtime } from '../../core/index.js'
import { Flag, FrameType, NONE } from './frame.js'
import type { FrameSender } from './frame-sender.js'
import { itemMetadata, readItemMetadata } from './metadata.js'

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
  /** Why a reply cannot be sent, when too much of other long ones waits. */
  replyRefusal(): RpcError | undefined
  /** Forgets a stream that has ended. */
  forget(streamId: number): void
}

/** An item ready to be sent: its data, or data with metadata. */
export type EncodedItem = Uint8Array | { readonly metadata: Uint8Array; readonly data: Uint8Array | undefined }

/** Encodes an item. Throws what the codec throws. */
export function encodeItem(codec: Codec, message: Message): EncodedItem {
  const { header, body } = message
  const data = body === undefined ? undefined : codec.encode(body, 0)
  const metadata = itemMetadata(header, data !== undefined)
  return metadata === undefined ? (data as Uint8Array) : { metadata, data }
}

/** Sends an item as PAYLOAD with `flags` besides NEXT. */
export function sendItem(sender: FrameSender, streamId: number, item: EncodedItem, flags: number): void {
  const metadata = item instanceof Uint8Array ? undefined : item.metadata
  const data = item instanceof Uint8Array ? item : item.data
  sender.send(streamId, FrameType.PAYLOAD, Flag.NEXT | flags, NONE, metadata, data)
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

/** Tells the peer that we want no more of a stream, whatever of it is still on its way out. */
export function sendCancel(sender: FrameSender, streamId: number): void {
  sender.abort(streamId)
  sender.send(streamId, FrameType.CANCEL, 0, NONE, undefined, undefined)
}

/** Writes that a teardown threw to the connection's log: it ends its own call only. */
export function logTeardown(log: Log, thrown: unknown): void {
  const { message } = RpcError.from(thrown, 'INTERNAL')
  log({ level: 'error', event: 'teardown.failed', message, fields: { error: thrown } })
}
