import type { Socket } from '../../transport/index.js'
import { Flag, FrameType, HEADER_BYTES, NONE, writeU24, writeU32 } from './frame.js'
import { OutgoingPayload, type OutgoingFrame, type WaitingSender, type WriteFrame } from './outgoing-payload.js'
import type { PayloadWindow } from './payload-window.js'
import type { Stream } from './stream.js'

/**
 * Writes frames into a socket, without an allocation a frame, and gives turns to those who wait for it.
 *
 * 1. A payload longer than a fragment leaves in fragments. The first is written at once; the others, as streams that
 *    wait, take turns whenever the socket takes more and the window for payloads is open, one fragment a turn, so a long
 *    payload holds nobody up.
 * 2. Frames of one stream leave in the order they were sent: behind a payload that leaves in fragments, they wait.
 * 3. Whatever else is sent leaves at once, even when the socket is not ready: it says whether it is.
 */
export class FrameSender {
  /** Whether the socket takes more before it must drain. */
  ready: boolean
  /** Bytes of payloads that leave in fragments, as far as they have not left. */
  payloadBytes: number
  private readonly socket: Socket
  private readonly fragmentBytes: number
  private readonly window: PayloadWindow
  private readonly onSent: () => void
  private readonly payloads: Map<number, OutgoingPayload>
  private readonly waiting: Set<WaitingSender>
  /** Those that wait for the window. */
  private readonly held: Set<OutgoingPayload>
  private readonly write: (target: Uint8Array, offset: number) => void
  private readonly writeFragment: WriteFrame
  private readonly turn: (payload: OutgoingPayload) => void
  private givingTurns: boolean
  private socketBytes: number
  private behindBytes: number
  private streamId: number
  private typeAndFlags: number
  private word: number
  private metadata: Uint8Array | undefined
  private data: Uint8Array | undefined

  /**
   * A sender whose payloads leave in frames of at most `fragmentBytes`, header included. `onSent` is called when the last
   * payload that was on its way in fragments is sent.
   */
  constructor(socket: Socket, fragmentBytes: number, window: PayloadWindow, onSent: () => void) {
    this.ready = true
    this.payloadBytes = 0
    this.socket = socket
    this.fragmentBytes = fragmentBytes
    this.window = window
    this.onSent = onSent
    this.payloads = new Map()
    this.waiting = new Set()
    this.held = new Set()
    this.write = (target, offset) => this.encode(target, offset)
    this.writeFragment = (streamId, { type, flags, word, metadata, data }) =>
      this.writeFrame(streamId, type, flags, word, metadata, data)
    this.turn = payload => this.writeNext(payload)
    this.givingTurns = false
    this.socketBytes = 0
    this.behindBytes = 0
    this.streamId = 0
    this.typeAndFlags = 0
    this.word = NONE
    this.metadata = undefined
    this.data = undefined
  }

  /** Bytes of frames that were sent although the socket was not ready, as far as it has not drained since. */
  get overcommittedBytes(): number {
    return this.socketBytes + this.behindBytes
  }

  /** Whether payloads are on their way in fragments. */
  get sending(): boolean {
    return this.payloads.size > 0
  }

  /**
   * Sends one frame: the header, then `word` as 32 bits unless it is `NONE`, then metadata with its length unless it is
   * `undefined`, then data. The flag for metadata is set here. Gives whether it has left as one frame, and not in
   * fragments or behind others. Throws what the socket throws; then nothing is sent.
   */
  send(
    streamId: number,
    type: number,
    flags: number,
    word: number,
    metadata: Uint8Array | undefined,
    data: Uint8Array | undefined,
  ): boolean {
    const length = frameBytes(word, metadata, data)
    if (this.payloads.size > 0) {
      const before = this.payloads.get(streamId)
      if (before !== undefined) {
        before.behind.push({ type, flags, word, metadata, data })
        this.behindBytes += length
        return false
      }
    }
    if (length > this.fragmentBytes && isPayload(type)) {
      this.begin(new OutgoingPayload(streamId, { type, flags, word, metadata, data }, this.turn))
      return false
    }
    this.writeFrame(streamId, type, flags, word, metadata, data)
    return true
  }

  /** Whether a payload of this stream is on its way in fragments. */
  isSending(streamId: number): boolean {
    return this.payloads.size > 0 && this.payloads.has(streamId)
  }

  /** Gives `owner` its turn when the payload of this stream, which is on its way, is sent. */
  whenSent(streamId: number, owner: Stream): void {
    const payload = this.payloads.get(streamId)
    if (payload !== undefined) payload.owner = owner
  }

  /** Sends no more of the payload that is on its way on this stream; credit that waits behind it still goes out. */
  abort(streamId: number): void {
    if (this.payloads.size === 0) return
    const payload = this.payloads.get(streamId)
    if (payload === undefined) return
    this.payloadBytes -= payload.unsentBytes
    this.behindBytes -= bytesOf(payload.behind)
    this.waiting.delete(payload)
    this.held.delete(payload)
    this.remove(payload)
    for (const { type, flags, word, data } of payload.behind) {
      const isCredit = type === FrameType.REQUEST_N || type === FrameType.EXT
      if (isCredit) this.send(streamId, type, flags, word, undefined, data)
    }
  }

  /** Gives `owner` a turn when the socket takes more. */
  blocked(owner: WaitingSender): void {
    this.waiting.add(owner)
  }

  /** `owner` has no more to send. */
  unblocked(owner: WaitingSender): void {
    if (this.waiting.size > 0) this.waiting.delete(owner)
  }

  /** The socket has drained. */
  drained(): void {
    this.ready = true
    this.socketBytes = 0
    this.giveTurns()
  }

  /** The window for payloads is open again. */
  windowOpened(): void {
    if (this.held.size === 0) return
    for (const payload of this.held) this.waiting.add(payload)
    this.held.clear()
    if (this.ready) this.giveTurns()
  }

  /** Forgets everything that waits. Gives the streams whose payloads were on their way. */
  end(): Stream[] {
    const owners = [...this.payloads.values()].flatMap(({ owner }) => owner ?? [])
    this.waiting.clear()
    this.held.clear()
    this.payloads.clear()
    this.payloadBytes = 0
    this.behindBytes = 0
    return owners
  }

  private begin(payload: OutgoingPayload): void {
    payload.writeNext(this.fragmentBytes, this.writeFragment) // first: what it throws leaves no trace
    this.payloads.set(payload.streamId, payload)
    this.payloadBytes += payload.unsentBytes
    this.waiting.add(payload)
    if (this.ready) this.giveTurns()
  }

  /** In the order of waiting, and round robin: who waits again comes after all others. */
  private giveTurns(): void {
    if (this.givingTurns) return // the loop below is on the stack and goes on
    this.givingTurns = true
    try {
      for (const waiting of this.waiting) {
        if (!this.ready) break
        this.waiting.delete(waiting)
        waiting.onWritable()
      }
    } finally {
      this.givingTurns = false
    }
  }

  private writeNext(payload: OutgoingPayload): void {
    if (!this.window.open) {
      this.held.add(payload)
      return
    }
    const before = payload.unsentBytes
    const last = payload.writeNext(this.fragmentBytes, this.writeFragment)
    this.payloadBytes -= before - payload.unsentBytes
    this.window.sent(before - payload.unsentBytes)
    if (!last) {
      this.waiting.add(payload)
      return
    }
    const { streamId, behind, owner } = payload
    this.behindBytes -= bytesOf(behind)
    this.remove(payload)
    for (const { type, flags, word, metadata, data } of behind) this.send(streamId, type, flags, word, metadata, data)
    owner?.onWritable()
  }

  private remove({ streamId }: OutgoingPayload): void {
    this.payloads.delete(streamId)
    if (this.payloads.size === 0) this.onSent()
  }

  private writeFrame(
    streamId: number,
    type: number,
    flags: number,
    word: number,
    metadata: Uint8Array | undefined,
    data: Uint8Array | undefined,
  ): void {
    const length = frameBytes(word, metadata, data)
    this.streamId = streamId
    this.typeAndFlags = (type << 10) | flags | (metadata === undefined ? 0 : Flag.METADATA)
    this.word = word
    this.metadata = metadata
    this.data = data
    const taken = this.socket.send(length, this.write)
    if (!taken) {
      this.ready = false
      this.socketBytes += length
    }
    this.metadata = undefined
    this.data = undefined
  }

  private encode(target: Uint8Array, offset: number): void {
    writeU32(target, offset, this.streamId)
    target[offset + 4] = this.typeAndFlags >>> 8
    target[offset + 5] = this.typeAndFlags
    let at = offset + HEADER_BYTES
    if (this.word !== NONE) {
      writeU32(target, at, this.word)
      at += 4
    }
    if (this.metadata !== undefined) {
      writeU24(target, at, this.metadata.length)
      target.set(this.metadata, at + 3)
      at += 3 + this.metadata.length
    }
    if (this.data !== undefined) target.set(this.data, at)
  }
}

/** What may be sent in fragments. */
function isPayload(type: number): boolean {
  return type === FrameType.PAYLOAD || (type >= FrameType.REQUEST_RESPONSE && type <= FrameType.REQUEST_CHANNEL)
}

function bytesOf(frames: readonly OutgoingFrame[]): number {
  return frames.reduce((bytes, { word, metadata, data }) => bytes + frameBytes(word, metadata, data), 0)
}

function frameBytes(word: number, metadata: Uint8Array | undefined, data: Uint8Array | undefined): number {
  return (
    HEADER_BYTES +
    (word === NONE ? 0 : 4) +
    (metadata === undefined ? 0 : 3 + metadata.length) +
    (data === undefined ? 0 : data.length)
  )
}
