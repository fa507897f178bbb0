import { isFatal, isNoFirstFrame } from '../support/fatal-frame.js'
import type { Conversation } from '../support/hostile-frames.js'
import { flagBits, frameBytes, lineOf, types, u32 } from '../support/raw-frame.js'
import { count, type Tally } from './tally.js'

/**
 * Sends the frames of a hostile peer and finds out what becomes of each: behind every frame goes a KEEPALIVE that asks
 * for an answer, and what comes back before that answer came because of the frame.
 */
export class Attack {
  /** Whether the connection has ended. */
  over: boolean
  private readonly target: 'client' | 'server'
  private readonly conversation: Conversation
  private readonly tally: Tally
  private readonly send: (frame: Uint8Array) => void
  private readonly sent: SentFrame[]
  private readonly position: Uint8Array
  private begun: boolean
  private marks: number
  private lastWord: string

  /** An attack on `target`; `send` is the way there. */
  constructor(
    target: 'client' | 'server',
    conversation: Conversation,
    tally: Tally,
    send: (frame: Uint8Array) => void,
  ) {
    this.over = false
    this.target = target
    this.conversation = conversation
    this.tally = tally
    this.send = send
    this.sent = []
    this.position = new Uint8Array(8).fill(tally.connections[target] % 2 === 0 ? 0 : 0x7f)
    this.begun = target === 'client'
    this.marks = 0
    this.lastWord = NO_WORD
    tally.connections[target]++
  }

  /** Frames whose outcome is not known yet. */
  get pending(): number {
    return this.sent.length
  }

  /** Sends `frames` frames. */
  strike(frames: number): void {
    for (let left = frames; left > 0 && !this.over; left--) {
      const isFirst = !this.begun
      this.begun = true
      const frame = isFirst ? this.conversation.first() : this.conversation.next()
      const isLast = isFirst ? isNoFirstFrame(frame) : isFatal(frame, this.target)
      this.sent.push({ frame, isLast, outcome: IGNORED })
      this.send(frame)
      this.send(
        frameBytes({
          type: 'KEEPALIVE',
          flags: 'R',
          data: Uint8Array.from([...this.position, ...MARK, ...u32(this.marks++)]),
        }),
      )
    }
  }

  /** Knows of bytes that were sent and make no whole frame, behind which nothing else can be sent. */
  struckWith(noise: Uint8Array): void {
    this.begun = true
    this.sent.push({ frame: noise, isLast: false, outcome: IGNORED })
  }

  /** A frame has come back. */
  received(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const id = view.getUint32(0)
    const type = view.getUint16(4) >>> 10
    if (type === types.KEEPALIVE && isMark(bytes)) return this.settle()
    if (type >= types.REQUEST_RESPONSE && type <= types.REQUEST_CHANNEL) this.conversation.heard(id)
    if (type === types.RESUME) this.conversation.heardResume()
    const [frame] = this.sent
    if (type === types.ERROR && id === 0 && view.getUint32(6) !== CONNECTION_CLOSE) this.lastWord = errorIn(bytes)
    else if (frame === undefined) return
    else if (type === types.ERROR && id !== 0) frame.outcome = `error on a stream, ${errorIn(bytes)}`
    else if (frame.outcome === IGNORED) frame.outcome = 'answered'
  }

  /** The connection has ended, by itself or because we cut it. */
  ended(cut: boolean): void {
    if (this.over) return
    this.over = true
    const [frame, ...unread] = this.sent.splice(0)
    if (frame === undefined) return
    const isCut = cut && this.lastWord === NO_WORD
    count(this.tally, isCut ? 'connection cut by the peer' : `connection ended, ${this.lastWord}`)
    this.tally.unread += unread.length
  }

  private settle(): void {
    const frame = this.sent.shift()
    if (frame === undefined) return
    count(this.tally, frame.outcome)
    if (frame.isLast) this.tally.failures.add(`a ${this.target} went on after ${hexOf(frame.frame)}`)
  }
}

interface SentFrame {
  readonly frame: Uint8Array
  /** Whether it must end the connection. */
  readonly isLast: boolean
  outcome: string
}

const IGNORED = 'no answer: taken, or ignored'
const NO_WORD = 'without a word'
const CONNECTION_CLOSE = 0x102
const MARK = [0x6d, 0x61, 0x72, 0x6b]

/** Whether a KEEPALIVE answers one that we put behind a frame. */
function isMark(bytes: Uint8Array): boolean {
  return (
    bytes.length === 22 &&
    ((bytes[5] ?? 0) & flagBits.R) === 0 &&
    MARK.every((byte, index) => bytes[14 + index] === byte)
  )
}

/** `REJECTED too_many_streams`; the text of a foreign error is left out. */
function errorIn(bytes: Uint8Array): string {
  const [, , code = '', text = ''] = lineOf(bytes).split(' ')
  return /^[a-z_]+$/.test(text) ? `${code} ${text}` : code
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, 64)).toString('hex')
}
