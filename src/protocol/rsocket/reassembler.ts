import { RpcError } from '../../core/index.js'
import { Flag } from './frame.js'

/** Limits of a {@link Reassembler}. */
export interface ReassemblyLimits {
  /** Most bytes of one payload, metadata and data. */
  readonly maxPayloadBytes: number
  /** Most bytes of incomplete payloads in all. */
  readonly maxReassemblyBytes: number
  /** Most incomplete payloads at once. */
  readonly maxReassemblies: number
}

/** A payload, whole or as far as it has come: metadata is `bytes[0, metadataEnd)`, data `bytes[metadataEnd, end)`. */
export interface Payload {
  /** Type of its first frame. */
  readonly type: number
  /** Flags of its first frame, COMPLETE if any frame had it. */
  readonly flags: number
  /** The 32 bits after the header of its first frame. */
  readonly word: number
  /** The payload. The bytes are never written again. */
  readonly bytes: Uint8Array
  /** End of the metadata. */
  readonly metadataEnd: number
  /** End of the data. */
  readonly end: number
}

/** Puts payloads together whose frames have come in fragments, within limits. */
export class Reassembler {
  private readonly limits: ReassemblyLimits
  private readonly partial: Map<number, PartialPayload>
  private bytes: number

  constructor(limits: ReassemblyLimits) {
    this.limits = limits
    this.partial = new Map()
    this.bytes = 0
  }

  /** Whether a payload of this stream is incomplete. */
  has(streamId: number): boolean {
    return this.partial.size > 0 && this.partial.has(streamId)
  }

  /** Type of the first frame of the incomplete payload of this stream. */
  typeOf(streamId: number): number | undefined {
    return this.partial.get(streamId)?.type
  }

  /** A first fragment: {@link add} takes what it carries. Gives why it is refused, if so. */
  begin(streamId: number, type: number, flags: number, word: number): RpcError | undefined {
    const { maxReassemblies } = this.limits
    if (this.partial.size >= maxReassemblies) {
      return full(`${this.partial.size} payloads are incomplete on this connection`, { limit: maxReassemblies })
    }
    this.partial.set(streamId, new PartialPayload(type, flags & ~Flag.FOLLOWS, word))
    return undefined
  }

  /**
   * What a fragment carries: metadata `bytes[start, metadataEnd)`, data up to `end`. Gives why the payload is refused, if
   * so: it is dropped, and its stream is to end.
   */
  add(streamId: number, bytes: Uint8Array, start: number, metadataEnd: number, end: number): RpcError | undefined {
    const partial = this.partial.get(streamId) as PartialPayload
    const { maxPayloadBytes, maxReassemblyBytes } = this.limits
    const added = end - start
    if (partial.end + added > maxPayloadBytes) {
      this.drop(streamId)
      return payloadTooLarge(partial.end + added, maxPayloadBytes)
    }
    if (this.bytes + added > maxReassemblyBytes) {
      this.drop(streamId)
      return full(`incomplete payloads of ${this.bytes + added} bytes`, { limit: maxReassemblyBytes })
    }
    this.bytes += added
    partial.add(bytes, start, metadataEnd, end)
    return undefined
  }

  /** Whether metadata may still come: all of it is before all data. */
  takesMetadata(streamId: number): boolean {
    const partial = this.partial.get(streamId)
    return partial !== undefined && partial.end === partial.metadataEnd
  }

  /** The payload is whole; its last frame had these flags. */
  finish(streamId: number, lastFlags: number): Payload {
    const partial = this.partial.get(streamId) as PartialPayload
    this.drop(streamId)
    partial.flags |= lastFlags & Flag.COMPLETE
    return partial
  }

  /** The rest of the payload of this stream will not come, or is not wanted. */
  drop(streamId: number): void {
    const partial = this.partial.get(streamId)
    if (partial === undefined) return
    this.partial.delete(streamId)
    this.bytes -= partial.end
  }
}

class PartialPayload implements Payload {
  readonly type: number
  readonly word: number
  flags: number
  bytes: Uint8Array
  metadataEnd: number
  end: number

  constructor(type: number, flags: number, word: number) {
    this.type = type
    this.word = word
    this.flags = flags
    this.bytes = NO_BYTES
    this.metadataEnd = 0
    this.end = 0
  }

  add(bytes: Uint8Array, start: number, metadataEnd: number, end: number): void {
    this.reserve(this.end + end - start)
    this.bytes.set(bytes.subarray(start, end), this.end)
    if (metadataEnd > start) this.flags |= Flag.METADATA
    this.metadataEnd += metadataEnd - start
    this.end += end - start
  }

  private reserve(length: number): void {
    if (length <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(length, this.bytes.length * 2))
    grown.set(this.bytes.subarray(0, this.end))
    this.bytes = grown
  }
}

const NO_BYTES = new Uint8Array(0)

/** The error of a payload over the limit. */
export function payloadTooLarge(bytes: number, limit: number): RpcError {
  return new RpcError('RESOURCE_EXHAUSTED', `a payload of ${bytes} bytes or more, at most ${limit} (maxPayloadBytes)`, {
    reason: 'payload_too_large',
    details: { bytes, limit },
  })
}

function full(what: string, details: { readonly limit: number }): RpcError {
  return new RpcError('RESOURCE_EXHAUSTED', `${what}, at most ${details.limit}`, { reason: 'reassembly_full', details })
}
