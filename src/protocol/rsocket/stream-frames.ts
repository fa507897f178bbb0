import { RpcError } from '../../core/index.js'
import type { Frame } from '../../transport/index.js'
import { readError } from './error-frame.js'
import { Flag, FrameType, HEADER_BYTES, MAX_31_BITS, readU24, readU32 } from './frame.js'
import type { RequestAcceptor } from './request-acceptor.js'
import type { Stream } from './stream.js'

/** What frames of streams need to know of their connection. */
export interface StreamTable {
  /** The stream with an id, while it runs. */
  stream(id: number): Stream | undefined
  /** Whether an id is ours to open. */
  isOwn(id: number): boolean
  /** Whether the connection takes new calls. */
  isOpen(): boolean
  /** Ends the connection: the peer does not keep to the protocol. */
  fail(error: RpcError): void
}

/** Takes the frames of streams apart and tells the streams, or the acceptor of new ones, what they say. */
export class StreamFrames {
  private readonly acceptor: RequestAcceptor
  private readonly table: StreamTable

  constructor(acceptor: RequestAcceptor, table: StreamTable) {
    this.acceptor = acceptor
    this.table = table
  }

  /** Takes a frame whose stream id is not 0. False when its type is not known. */
  take(type: number, flags: number, streamId: number, { bytes, start, end }: Frame): boolean {
    switch (type) {
      case FrameType.PAYLOAD:
        this.onPayload(flags, streamId, bytes, start, end)
        return true
      case FrameType.REQUEST_N:
        this.onRequestN(streamId, bytes, start, end)
        return true
      case FrameType.CANCEL:
        this.table.stream(streamId)?.onCancel()
        return true
      case FrameType.ERROR:
        this.onStreamError(streamId, bytes, start, end)
        return true
      case FrameType.REQUEST_RESPONSE:
      case FrameType.REQUEST_FNF:
      case FrameType.REQUEST_STREAM:
      case FrameType.REQUEST_CHANNEL:
        this.onRequest(type, flags, streamId, bytes, start, end)
        return true
      case FrameType.SETUP:
      case FrameType.KEEPALIVE:
      case FrameType.LEASE:
      case FrameType.METADATA_PUSH:
        return true // connection frames on a stream are ignored
      default:
        return false
    }
  }

  private onPayload(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    const stream = this.table.stream(streamId)
    if (stream === undefined) return // what was on its way when we cancelled
    if ((flags & Flag.FOLLOWS) !== 0) {
      this.table.fail(malformed('a fragment: fragmentation is not offered here'))
      return
    }
    if ((flags & (Flag.NEXT | Flag.COMPLETE)) === 0) {
      this.table.fail(malformed('a PAYLOAD that is neither an item nor an end'))
      return
    }
    const body = start + HEADER_BYTES
    if ((flags & Flag.METADATA) === 0) {
      stream.onPayload(flags, bytes, -1, body, end)
      return
    }
    const metadataEnd = this.metadataEnd(bytes, body, end, flags)
    if (metadataEnd >= 0) stream.onPayload(flags, bytes, body + 3, metadataEnd, end)
  }

  private onRequestN(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start < HEADER_BYTES + 4) {
      this.table.fail(malformed('a REQUEST_N frame without a number'))
      return
    }
    const n = readU32(bytes, start + HEADER_BYTES)
    if (n > 0) this.table.stream(streamId)?.onRequestN(n >= MAX_31_BITS ? Infinity : n)
  }

  private onStreamError(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start < HEADER_BYTES + 4) {
      this.table.fail(malformed('an ERROR frame without a code'))
      return
    }
    const stream = this.table.stream(streamId)
    if (stream === undefined) return
    stream.onError(readError(readU32(bytes, start + HEADER_BYTES), bytes, start + HEADER_BYTES + 4, end))
  }

  private onRequest(
    type: number,
    flags: number,
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (this.table.isOwn(streamId)) {
      this.table.fail(malformed(`a request on stream ${streamId}, which is not the peer's to open`))
      return
    }
    if (this.table.stream(streamId) !== undefined) return
    if ((flags & Flag.FOLLOWS) !== 0) {
      this.table.fail(malformed('a fragment: fragmentation is not offered here'))
      return
    }
    const hasCredit = type === FrameType.REQUEST_STREAM || type === FrameType.REQUEST_CHANNEL
    const body = start + HEADER_BYTES + (hasCredit ? 4 : 0)
    if (body > end) {
      this.table.fail(malformed('a request without its request-n'))
      return
    }
    const hasMetadata = (flags & Flag.METADATA) !== 0
    const metadataEnd = hasMetadata ? this.metadataEnd(bytes, body, end, flags) : body
    if (metadataEnd < 0) return
    const credit = hasCredit ? readU32(bytes, start + HEADER_BYTES) : 0
    const draining = !this.table.isOpen()
    this.acceptor.accept(
      { type, flags, streamId, credit, draining },
      bytes,
      hasMetadata ? body + 3 : body,
      metadataEnd,
      end,
    )
  }

  /** Where the metadata of a frame ends; negative when the frame is invalid and has been dealt with. */
  private metadataEnd(bytes: Uint8Array, body: number, end: number, flags: number): number {
    const metadataEnd = body + 3 <= end ? body + 3 + readU24(bytes, body) : end + 1
    if (metadataEnd <= end) return metadataEnd
    if ((flags & Flag.IGNORE) === 0) this.table.fail(malformed('metadata that is longer than its frame'))
    return -1
  }
}

/** The error of a peer that does not keep to the protocol. */
export function malformed(what: string): RpcError {
  return new RpcError('INVALID_ARGUMENT', `the peer sent ${what}`, { reason: 'malformed_frame' })
}
