import { Flag, FrameType, HEADER_BYTES, NONE } from './frame.js'
import type { Stream } from './stream.js'

/** A frame as {@link FrameSender.send} takes it. */
export interface OutgoingFrame {
  /** Type of the frame. */
  readonly type: number
  /** Flags, but for the one of metadata. */
  readonly flags: number
  /** The 32 bits after the header, or `NONE`. */
  readonly word: number
  /** Metadata, if it has any. */
  readonly metadata: Uint8Array | undefined
  /** Data, if it has any. */
  readonly data: Uint8Array | undefined
}

/** Who waits for the socket to take more. */
export interface WaitingSender {
  /** It does. */
  onWritable(): void
}

/** Writes one frame now. */
export type WriteFrame = (streamId: number, frame: OutgoingFrame) => void

/**
 * A payload too long for one frame, on its way in fragments: the first is a frame of its own type, the others are PAYLOAD
 * frames; metadata comes before data. Frames of the same stream wait behind it.
 */
export class OutgoingPayload implements WaitingSender {
  /** The stream that goes on when it is sent, if one does. */
  owner: Stream | undefined
  /** Stream that it belongs to. */
  readonly streamId: number
  /** What is sent behind it. */
  readonly behind: OutgoingFrame[]
  private readonly frame: OutgoingFrame
  private readonly turn: (payload: OutgoingPayload) => void
  private readonly metadata: Uint8Array
  private readonly data: Uint8Array
  private metadataSent: number
  private dataSent: number
  private started: boolean

  /** A payload of which `turn` writes a fragment whenever it is its turn. */
  constructor(streamId: number, frame: OutgoingFrame, turn: (payload: OutgoingPayload) => void) {
    this.owner = undefined
    this.streamId = streamId
    this.behind = []
    this.frame = frame
    this.turn = turn
    this.metadata = frame.metadata ?? NO_BYTES
    this.data = frame.data ?? NO_BYTES
    this.metadataSent = 0
    this.dataSent = 0
    this.started = false
  }

  /** Bytes that are still to be sent. */
  get unsentBytes(): number {
    return this.metadata.length - this.metadataSent + this.data.length - this.dataSent
  }

  onWritable(): void {
    this.turn(this)
  }

  /** Writes the next fragment, of `fragmentBytes` with its header. Gives true when it was the last. */
  writeNext(fragmentBytes: number, write: WriteFrame): boolean {
    const word = this.started ? NONE : this.frame.word
    let room = fragmentBytes - HEADER_BYTES - (word === NONE ? 0 : 4)
    let metadata: Uint8Array | undefined
    if (this.metadataSent < this.metadata.length || (!this.started && this.frame.metadata !== undefined)) {
      metadata = this.metadata.subarray(this.metadataSent, this.metadataSent + room - 3)
      this.metadataSent += metadata.length
      room -= 3 + metadata.length
    }
    const data = this.data.subarray(this.dataSent, this.dataSent + room)
    this.dataSent += data.length
    const last = this.unsentBytes === 0
    write(this.streamId, { type: this.type(), flags: this.flags(last), word, metadata, data })
    this.started = true
    if (last && this.frame.type === FrameType.REQUEST_CHANNEL && (this.frame.flags & Flag.COMPLETE) !== 0) {
      // Peers differ about where a fragmented request may say so.
      write(this.streamId, {
        type: FrameType.PAYLOAD,
        flags: Flag.COMPLETE,
        word: NONE,
        metadata: undefined,
        data: undefined,
      })
    }
    return last
  }

  private type(): number {
    return this.started ? FrameType.PAYLOAD : this.frame.type
  }

  /** A fragment that is PAYLOAD has NEXT: some peers refuse one that is neither item nor end. */
  private flags(last: boolean): number {
    const next = this.type() === FrameType.PAYLOAD ? Flag.NEXT : 0
    if (!last) return next | Flag.FOLLOWS
    return this.frame.type === FrameType.PAYLOAD ? next | this.frame.flags : next
  }
}

const NO_BYTES = new Uint8Array(0)
