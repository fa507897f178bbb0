import { RpcError } from '../../core/index.js'
import type { Frame } from '../../transport/index.js'
import { readConsumedBytes } from './consumed-bytes.js'
import { readError } from './error-frame.js'
import { Flag, FrameType, HEADER_BYTES, MAX_31_BITS, NONE, readU24, readU32 } from './frame.js'
import { payloadTooLarge, Reassembler, type Payload, type ReassemblyLimits } from './reassembler.js'
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
  /** Sends no more of what is on its way out on a stream. */
  abort(id: number): void
  /** Answers a request that cannot be taken. */
  refuse(id: number, type: number, error: RpcError): void
  /** Ends the connection: the peer does not keep to the protocol. */
  fail(error: RpcError): void
}

/** Takes the frames of streams apart and tells the streams, or the acceptor of new ones, what they say. */
export class StreamFrames {
  private readonly acceptor: RequestAcceptor
  private readonly table: StreamTable
  private readonly reassembler: Reassembler
  private readonly maxPayloadBytes: number

  constructor(acceptor: RequestAcceptor, table: StreamTable, limits: ReassemblyLimits) {
    this.acceptor = acceptor
    this.table = table
    this.reassembler = new Reassembler(limits)
    this.maxPayloadBytes = limits.maxPayloadBytes
  }

  /** A stream has ended: what has come of its next payload is dropped. */
  forget(streamId: number): void {
    if (this.reassembler.has(streamId)) this.reassembler.drop(streamId)
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
        this.onCancel(streamId)
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
      case FrameType.EXT:
        return this.onExtension(streamId, bytes, start, end)
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
    const continues = this.reassembler.has(streamId)
    const stream = this.table.stream(streamId)
    if (stream === undefined && !continues) return // what was on its way when we cancelled
    const whole = !continues && !isFollowed(flags)
    if (whole && (flags & (Flag.NEXT | Flag.COMPLETE)) === 0) {
      this.table.fail(malformed('a PAYLOAD that is neither an item nor an end'))
      return
    }
    const body = start + HEADER_BYTES
    const hasMetadata = (flags & Flag.METADATA) !== 0
    const metadataEnd = hasMetadata ? this.metadataEnd(bytes, body, end, flags) : body
    if (metadataEnd < 0) return
    const metadataStart = hasMetadata ? body + 3 : body
    if (!whole) this.onFragment(streamId, FrameType.PAYLOAD, flags, NONE, bytes, metadataStart, metadataEnd, end)
    else if (end - metadataStart > this.maxPayloadBytes) stream?.onPayloadRefused(this.tooLarge(end - metadataStart))
    else stream?.onPayload(flags, bytes, hasMetadata ? metadataStart : -1, metadataEnd, end)
  }

  private onFragment(
    streamId: number,
    type: number,
    flags: number,
    word: number,
    bytes: Uint8Array,
    metadataStart: number,
    metadataEnd: number,
    end: number,
  ): void {
    const { reassembler } = this
    let refusal: RpcError | undefined
    if (!reassembler.has(streamId)) refusal = reassembler.begin(streamId, type, flags, word)
    else if ((flags & Flag.METADATA) !== 0 && !reassembler.takesMetadata(streamId)) {
      this.table.fail(malformed('metadata behind the data of a payload'))
      return
    }
    const firstType = reassembler.typeOf(streamId) ?? type
    refusal ??= reassembler.add(streamId, bytes, metadataStart, metadataEnd, end)
    if (refusal !== undefined) this.refuse(streamId, firstType, refusal)
    else if (!isFollowed(flags)) this.onWhole(streamId, reassembler.finish(streamId, flags))
  }

  private onWhole(streamId: number, { type, flags, word, bytes, metadataEnd, end }: Payload): void {
    if (type !== FrameType.PAYLOAD) {
      this.request(type, flags, streamId, word, bytes, 0, metadataEnd, end)
      return
    }
    const metadataStart = (flags & Flag.METADATA) === 0 ? -1 : 0
    this.table.stream(streamId)?.onPayload(flags | Flag.NEXT, bytes, metadataStart, metadataEnd, end)
  }

  private refuse(streamId: number, type: number, error: RpcError): void {
    if (type === FrameType.PAYLOAD) this.table.stream(streamId)?.onPayloadRefused(error)
    else this.table.refuse(streamId, type, error)
  }

  private tooLarge(bytes: number): RpcError {
    return payloadTooLarge(bytes, this.maxPayloadBytes)
  }

  private onCancel(streamId: number): void {
    this.table.abort(streamId) // first, for what hears of it may throw
    this.table.stream(streamId)?.onCancel()
    // A responder that wants no more requests goes on replying.
    if (!this.table.isOwn(streamId)) this.reassembler.drop(streamId)
  }

  private onRequestN(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start < HEADER_BYTES + 4) {
      this.table.fail(malformed('a REQUEST_N frame without a number'))
      return
    }
    const n = readU32(bytes, start + HEADER_BYTES)
    if (n > 0) this.table.stream(streamId)?.onRequestN(n >= MAX_31_BITS ? Infinity : n)
  }

  private onExtension(streamId: number, bytes: Uint8Array, start: number, end: number): boolean {
    const consumed = readConsumedBytes(bytes, start + HEADER_BYTES, end)
    if (consumed !== undefined) this.table.stream(streamId)?.onConsumedBytes?.(consumed)
    return consumed !== undefined
  }

  private onStreamError(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start < HEADER_BYTES + 4) {
      this.table.fail(malformed('an ERROR frame without a code'))
      return
    }
    const code = readU32(bytes, start + HEADER_BYTES)
    this.table.abort(streamId) // first, for what hears of it may throw
    this.reassembler.drop(streamId)
    this.table.stream(streamId)?.onError(readError(code, bytes, start + HEADER_BYTES + 4, end))
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
    if (this.table.stream(streamId) !== undefined || this.reassembler.has(streamId)) return
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
    const metadataStart = hasMetadata ? body + 3 : body
    if (isFollowed(flags)) this.onFragment(streamId, type, flags, credit, bytes, metadataStart, metadataEnd, end)
    else this.request(type, flags, streamId, credit, bytes, metadataStart, metadataEnd, end)
  }

  private request(
    type: number,
    flags: number,
    streamId: number,
    credit: number,
    bytes: Uint8Array,
    metadataStart: number,
    metadataEnd: number,
    end: number,
  ): void {
    if (end - metadataStart > this.maxPayloadBytes) {
      this.acceptor.learn(bytes, metadataStart, metadataEnd)
      this.table.refuse(streamId, type, this.tooLarge(end - metadataStart))
      return
    }
    const draining = !this.table.isOpen()
    this.acceptor.accept({ type, flags, streamId, credit, draining }, bytes, metadataStart, metadataEnd, end)
  }

  /** Where the metadata of a frame ends; negative when the frame is invalid and has been dealt with. */
  private metadataEnd(bytes: Uint8Array, body: number, end: number, flags: number): number {
    const metadataEnd = body + 3 <= end ? body + 3 + readU24(bytes, body) : end + 1
    if (metadataEnd <= end) return metadataEnd
    if ((flags & Flag.IGNORE) === 0) this.table.fail(malformed('metadata that is longer than its frame'))
    return -1
  }
}

/** Whether more of the payload follows; what completes a stream is never followed. */
function isFollowed(flags: number): boolean {
  return (flags & (Flag.FOLLOWS | Flag.COMPLETE)) === Flag.FOLLOWS
}

/** The error of a peer that does not keep to the protocol. */
export function malformed(what: string): RpcError {
  return new RpcError('INVALID_ARGUMENT', `the peer sent ${what}`, { reason: 'malformed_frame' })
}
