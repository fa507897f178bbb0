import type { Socket } from '../../transport/index.js'
import { Flag, HEADER_BYTES, writeU24, writeU32 } from './frame.js'

/** Stands for “no such field” in {@link FrameSender.send}. */
export const NONE = -1

/**
 * Writes frames into a socket, without an allocation a frame, and knows whether the socket takes more.
 */
export class FrameSender {
  /** Whether the socket takes more before it must drain. */
  ready: boolean
  /** Bytes accepted since the socket stopped being ready. */
  queuedBytes: number
  private readonly socket: Socket
  private readonly write: (target: Uint8Array, offset: number) => void
  private streamId: number
  private typeAndFlags: number
  private word: number
  private metadata: Uint8Array | undefined
  private data: Uint8Array | undefined

  constructor(socket: Socket) {
    this.ready = true
    this.queuedBytes = 0
    this.socket = socket
    this.streamId = 0
    this.typeAndFlags = 0
    this.word = NONE
    this.metadata = undefined
    this.data = undefined
    this.write = (target, offset) => this.encode(target, offset)
  }

  /**
   * Sends one frame: the header, then `word` as 32 bits unless it is `NONE`, then metadata with its length unless it is
   * `undefined`, then data. The flag for metadata is set here. Callers keep the frame within `MAX_FRAME_BYTES`.
   */
  send(
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
      this.queuedBytes += length
    }
    this.metadata = undefined
    this.data = undefined
  }

  /** The socket has drained. */
  drained(): void {
    this.ready = true
    this.queuedBytes = 0
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

function frameBytes(word: number, metadata: Uint8Array | undefined, data: Uint8Array | undefined): number {
  return (
    HEADER_BYTES +
    (word === NONE ? 0 : 4) +
    (metadata === undefined ? 0 : 3 + metadata.length) +
    (data === undefined ? 0 : data.length)
  )
}
