import { readU24, writeU24 } from '../frame.js'
import type { FrameWriter } from '../../../transport/index.js'

/**
 * The frames of one direction that the peer has not acknowledged, in order, and how far they have been sent. A position
 * is the number of bytes of all frames before it, lengths between them not counted.
 *
 * ```
 *   first            read                end         positions
 *     │ sent, unacknowledged │ to be sent  │
 *   ┌─┴──────────┐ ┌─────────┴──┐ ┌────────┴─┐
 *   │ chunk      │→│ chunk      │→│ chunk    │      [u24 length][frame] …
 *   └────────────┘ └────────────┘ └──────────┘
 *     head           reading        tail
 * ```
 *
 * Chunks grow with what is retained, from 4 KiB to 64 KiB, so that an idle session keeps little and a busy one allocates
 * seldom. Memory that was acknowledged is used again: whoever sends a frame copies it within the call.
 */
export class RetainedFrames {
  /** Position of the first frame. */
  first: number
  /** Position of the first frame that is still to be sent over the present connection. */
  read: number
  /** Position behind the last frame. */
  end: number
  /** The furthest position that was ever sent. */
  sent: number
  /** Bytes of the frames with their lengths. */
  bytes: number
  private head: Chunk
  private tail: Chunk
  private reading: Chunk
  private readingAt: number
  private source: Chunk
  private sourceAt: number
  private sourceLength: number
  private readonly copy: FrameWriter

  constructor() {
    this.first = 0
    this.read = 0
    this.end = 0
    this.sent = 0
    this.bytes = 0
    this.head = this.tail = this.reading = this.source = newChunk(0)
    this.readingAt = 0
    this.sourceAt = 0
    this.sourceLength = 0
    this.copy = (target, offset) =>
      target.set(this.source.bytes.subarray(this.sourceAt, this.sourceAt + this.sourceLength), offset)
  }

  /** Whether frames are still to be sent. */
  get behind(): boolean {
    return this.read < this.end
  }

  /** Lets `write` put a frame of `length` bytes behind the last; it counts with {@link commit} only. */
  write(length: number, write: FrameWriter): void {
    const size = PREFIX_BYTES + length
    if (size > this.tail.bytes.length - this.tail.end) this.grow(size)
    const { bytes, end } = this.tail
    write(bytes, end + PREFIX_BYTES)
    writeU24(bytes, end, length)
    this.source = this.tail
    this.sourceAt = end + PREFIX_BYTES
    this.sourceLength = length
  }

  /** Memory and place of the frame that was written last. */
  get written(): { readonly bytes: Uint8Array; readonly at: number } {
    return { bytes: this.source.bytes, at: this.sourceAt }
  }

  /** Sends the frame that was written last, without retaining it. */
  sendWritten(send: SendFrame): boolean {
    return send(this.sourceLength, this.copy)
  }

  /** Retains the frame that was written last. */
  commit(): void {
    this.tail.end += PREFIX_BYTES + this.sourceLength
    this.end += this.sourceLength
    this.bytes += PREFIX_BYTES + this.sourceLength
  }

  /** Retains a copy of a frame that is being sent: nothing before it is still to be sent. */
  append(frame: Uint8Array, start: number, length: number): void {
    const size = PREFIX_BYTES + length
    if (size > this.tail.bytes.length - this.tail.end) this.grow(size)
    const { bytes, end } = this.tail
    writeU24(bytes, end, length)
    bytes.set(frame.subarray(start, start + length), end + PREFIX_BYTES)
    this.tail.end += size
    this.end += length
    this.bytes += size
    this.reading = this.tail
    this.readingAt = this.tail.end
    this.advanceTo(this.end)
  }

  /** Sends the next frame that is to be sent. */
  sendNext(send: SendFrame): boolean {
    while (this.readingAt === this.reading.end && this.reading.next !== undefined) {
      this.reading = this.reading.next
      this.readingAt = this.reading.start
    }
    const length = readU24(this.reading.bytes, this.readingAt)
    this.source = this.reading
    this.sourceAt = this.readingAt + PREFIX_BYTES
    this.sourceLength = length
    this.readingAt += PREFIX_BYTES + length
    this.advanceTo(this.read + length)
    return send(length, this.copy)
  }

  /** Begins again with the first frame. */
  rewind(): void {
    this.reading = this.head
    this.readingAt = this.head.start
    this.read = this.first
  }

  /** Whether `position` lies between two frames that have been sent, or at their ends. */
  isBoundary(position: number): boolean {
    if (position < this.first || position > this.sent) return false
    let at = this.first
    for (let chunk: Chunk | undefined = this.head; chunk !== undefined; chunk = chunk.next) {
      for (
        let offset = chunk.start;
        offset < chunk.end && at < position;
        offset += PREFIX_BYTES + frameLength(chunk, offset)
      )
        at += frameLength(chunk, offset)
    }
    return at === position
  }

  /** Forgets the frames that lie wholly before `position`. */
  release(position: number): void {
    const limit = Math.min(position, this.sent)
    for (;;) {
      const { head } = this
      if (head.start === head.end) {
        if (!this.dropHead()) break
        continue
      }
      const length = frameLength(head, head.start)
      if (this.first + length > limit) break
      this.first += length
      this.bytes -= PREFIX_BYTES + length
      head.start += PREFIX_BYTES + length
    }
    if (this.read < this.first) this.rewind()
  }

  /** Forgets everything. */
  clear(): void {
    this.first = this.read = this.sent = this.end
    this.bytes = 0
    this.head = this.tail = this.reading = this.source = newChunk(0)
    this.readingAt = 0
  }

  private advanceTo(position: number): void {
    this.read = position
    if (position > this.sent) this.sent = position
  }

  /** The head is empty: the next one takes its place, or it is used again. False when it was the last. */
  private dropHead(): boolean {
    const { head } = this
    if (head.next !== undefined) {
      if (this.reading === head) {
        this.reading = head.next
        this.readingAt = head.next.start
      }
      this.head = head.next
      return true
    }
    if (head.bytes.length > LEAST_CHUNK_BYTES) this.head = this.tail = this.reading = newChunk(0)
    else head.start = head.end = 0
    this.readingAt = 0
    return false
  }

  private grow(size: number): void {
    const chunk = newChunk(Math.max(size, LEAST_CHUNK_BYTES, Math.min(this.bytes, CHUNK_BYTES)))
    this.tail.next = chunk
    this.tail = chunk
  }
}

/** Sends a frame that a writer writes; what {@link Socket.send} is. */
export type SendFrame = (length: number, write: FrameWriter) => boolean

interface Chunk {
  readonly bytes: Uint8Array
  start: number
  end: number
  next: Chunk | undefined
}

const PREFIX_BYTES = 3
const LEAST_CHUNK_BYTES = 4096
const CHUNK_BYTES = 65_536

function newChunk(size: number): Chunk {
  return { bytes: new Uint8Array(size), start: 0, end: 0, next: undefined }
}

function frameLength({ bytes }: Chunk, at: number): number {
  return readU24(bytes, at)
}
