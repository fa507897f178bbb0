import type { Frame } from './transport.js'

/** Where a {@link FrameReader} puts what it finds. */
export interface FrameSink {
  /** A whole frame, valid during the call. False stops reading for good. */
  frame(frame: Frame): boolean
  /** A frame of `length` bytes is announced, which is too long. Reading has stopped for good. */
  oversized(length: number): void
}

/** Bytes of the length before each frame. */
export const PREFIX_BYTES = 3

/** A length alone reserves no more than this; the rest of a longer frame is allocated as its bytes arrive. */
const FIRST_BODY_BYTES = 65_536

const NO_BYTES = new Uint8Array(0)

/**
 * Finds frames in a byte stream where each has its length before it, three bytes, big-endian, not counting themselves.
 *
 * Frames that lie within one chunk are views of it. A frame split over chunks is copied once into a buffer of its own,
 * which doubles as bytes arrive when the frame is long: an announced length never costs more than twice what came.
 */
export class FrameReader {
  private readonly maxFrameBytes: number
  private readonly sink: FrameSink
  private readonly view: { bytes: Uint8Array; start: number; end: number }
  /** Bytes of the split frame's prefix that have come, 0 when no frame is split. */
  private prefixed: number
  /** Length of the split frame, as far as its prefix tells. */
  private length: number
  /** Body of the split frame; `filled` bytes of it have come. */
  private body: Uint8Array
  private filled: number

  /** Makes a reader that refuses frames longer than `maxFrameBytes`. */
  constructor(maxFrameBytes: number, sink: FrameSink) {
    this.maxFrameBytes = maxFrameBytes
    this.sink = sink
    this.view = { bytes: NO_BYTES, start: 0, end: 0 }
    this.prefixed = 0
    this.length = 0
    this.body = NO_BYTES
    this.filled = 0
  }

  /** What has come of a frame that is not complete, for error messages; `undefined` between frames. */
  get unfinished(): string | undefined {
    if (this.prefixed === 0) return undefined
    return this.prefixed < PREFIX_BYTES
      ? `${this.prefixed} of ${PREFIX_BYTES} bytes of a frame's length`
      : `${this.filled} of ${this.length} bytes of a frame`
  }

  /** Takes the next bytes of the stream; they must never be written again. */
  read(chunk: Uint8Array): void {
    let offset = this.prefixed > 0 ? this.continueFrame(chunk, 0) : 0
    const { maxFrameBytes, view, sink } = this
    while (offset >= 0 && offset + PREFIX_BYTES <= chunk.length) {
      const start = offset + PREFIX_BYTES
      const length = lengthAt(chunk, offset)
      if (length > maxFrameBytes) return sink.oversized(length)
      const end = start + length
      if (end > chunk.length) break
      view.bytes = chunk
      view.start = start
      view.end = end
      offset = sink.frame(view) ? end : STOPPED
    }
    view.bytes = NO_BYTES // an idle connection does not retain its last chunk
    if (offset >= 0 && offset < chunk.length) this.continueFrame(chunk, offset)
  }

  /** Adds bytes from `offset` on to the split frame. Gives the offset behind it, or STOPPED. */
  private continueFrame(chunk: Uint8Array, offset: number): number {
    while (this.prefixed < PREFIX_BYTES) {
      const byte = chunk[offset]
      if (byte === undefined) return offset
      offset++
      this.length = (this.length << 8) | byte
      if (++this.prefixed < PREFIX_BYTES) continue
      if (this.length > this.maxFrameBytes) {
        this.sink.oversized(this.length)
        return STOPPED
      }
      this.body = new Uint8Array(Math.min(this.length, FIRST_BODY_BYTES))
    }
    const count = Math.min(this.length - this.filled, chunk.length - offset)
    this.reserve(this.filled + count)
    this.body.set(chunk.subarray(offset, offset + count), this.filled)
    this.filled += count
    offset += count
    if (this.filled < this.length) return offset
    return this.finishFrame() ? offset : STOPPED
  }

  private finishFrame(): boolean {
    const { view } = this
    view.bytes = this.body
    view.start = 0
    view.end = this.length
    // Cleared first: the sink may call back into the connection.
    this.prefixed = 0
    this.length = 0
    this.body = NO_BYTES
    this.filled = 0
    return this.sink.frame(view)
  }

  private reserve(bytes: number): void {
    if (bytes <= this.body.length) return
    const grown = new Uint8Array(Math.min(this.length, Math.max(bytes, this.body.length * 2)))
    grown.set(this.body.subarray(0, this.filled))
    this.body = grown
  }
}

/** Offset that says: the sink wants no more. */
const STOPPED = -1

function lengthAt(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] as number) << 16) | ((bytes[offset + 1] as number) << 8) | (bytes[offset + 2] as number)
}
