import { isRight } from 'fp-ts/lib/Either.js'
import type { Codec } from '../../codec/index.js'
import { messageOf, RpcError, type Header, type Log, type Message, type Runtime } from '../../core/index.js'
import { Flag, FrameType, NONE } from './frame.js'
import type { FrameSender } from './frame-sender.js'
import type { ConnectionMetadata } from './metadata-dialect.js'

/** What the streams of a connection share. */
export interface Multiplexer {
  /** The way out. */
  readonly sender: FrameSender
  /** Makes bytes of bodies, unless a request says otherwise. */
  readonly codec: Codec
  /** Makes bytes of what is beside bodies. */
  readonly metadata: ConnectionMetadata
  /** Time and chance. */
  readonly runtime: Runtime
  /** Where stalls are reported. */
  readonly log: Log
  /** Items of one stream that may be on their way to us. */
  readonly window: number
  /** Bytes of large items of one stream that may be on their way to the peer. */
  readonly windowBytes: number
  /** Why a reply cannot be sent, when too much of other long ones waits. */
  replyRefusal(): RpcError | undefined
  /** Forgets a stream that has ended. */
  forget(streamId: number): void
}

/** An item ready to be sent: its data, or data with metadata. */
export type EncodedItem = Uint8Array | ItemWithMetadata

/** An item that is more than a body. */
export interface ItemWithMetadata {
  /** Its metadata. */
  readonly metadata: Uint8Array
  /** Its body, if it has one. */
  readonly data: Uint8Array | undefined
  /** Its header, which the metadata says. */
  readonly header: Header
}

/** Encodes an item. Throws what the codec throws. */
export function encodeItem(metadata: ConnectionMetadata, codec: Codec, message: Message): EncodedItem {
  const { header, body } = message
  const data = body === undefined ? undefined : codec.encode(body, 0)
  const itemMetadata = metadata.writeItem(header, data !== undefined)
  return itemMetadata === undefined ? (data ?? NO_BYTES) : { metadata: itemMetadata, data, header }
}

/** Sends an item as PAYLOAD with `flags` besides NEXT. */
export function sendItem(sender: FrameSender, streamId: number, item: EncodedItem, flags: number): void {
  const metadata = item instanceof Uint8Array ? undefined : item.metadata
  const data = item instanceof Uint8Array ? item : item.data
  sender.send(streamId, FrameType.PAYLOAD, Flag.NEXT | flags, NONE, metadata, data)
}

/** Reads the item of a PAYLOAD frame; throws what the codec or the metadata reader throws. */
export function readItem(
  metadata: ConnectionMetadata,
  codec: Codec,
  bytes: Uint8Array,
  metadataStart: number,
  metadataEnd: number,
  end: number,
): Message {
  if (metadataStart < 0) return messageOf(readBody(metadata, codec, bytes, metadataEnd, end))
  const { header, hasBody } = metadata.readItem(bytes, metadataStart, metadataEnd)
  return { header, body: hasBody ? readBody(metadata, codec, bytes, metadataEnd, end) : undefined }
}

/** Reads a body; for foreign peers, empty data of a codec that has no such value is no body. */
export function readBody(
  { foreign }: ConnectionMetadata,
  codec: Codec,
  bytes: Uint8Array,
  start: number,
  end: number,
): unknown {
  if (!foreign || end > start) return codec.decodeUnsafe(bytes, start, end)
  const value = codec.decode(NO_BYTES)
  return isRight(value) ? value.right : undefined
}

const NO_BYTES = new Uint8Array(0)

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
