import { Subscription } from 'rxjs'
import { RpcError, type Runtime } from '../../core/index.js'
import { FrameReader, PREFIX_BYTES } from '../frame-reader.js'
import type { MessageLink, MessageSink } from '../message-link.js'
import { connectionLost, inboundOverflow } from '../transport-errors.js'
import type { NatsLink } from './nats-link.js'
import { DATA_HEADER_BYTES, kinds, numberOf, putDataHeader } from './nats-wire.js'

/** How a {@link NatsMessageLink} behaves; the meaning and defaults are those of the transport's options. */
export interface NatsMessageLinkOptions {
  /** Turns. */
  readonly runtime: Runtime
  /** Longest frame that is taken, bytes. */
  readonly maxFrameBytes: number
  /** Most bytes of one message that is sent, its numbers included, if the server takes them. */
  readonly messageBytes: number
  /** Most bytes that wait while nobody reads. */
  readonly maxUnreadBytes: number
}

/** What a connection over NATS is made of. */
export interface NatsPath {
  /** What carries it. */
  readonly link: NatsLink
  /** Where it listens. */
  readonly inbox: string
  /** Where the other end listens. */
  readonly peer: string
  /** The other end, for error messages. */
  readonly remote: string
  /** Called once when it is over, so that the inbox can be given up. */
  readonly onEnd: () => void
}

/**
 * A connection over a pair of subjects. NATS may lose messages, or send them twice: each has a number, and one that is
 * not the next ends the connection before anything of it is delivered.
 *
 * What is sent in one turn leaves in as few messages as can be, at its end or when one is full: a stream of frames, each
 * with its length before it, cut anywhere. What the server has not confirmed counts as unsent.
 */
export class NatsMessageLink implements MessageLink {
  private readonly path: NatsPath
  private readonly options: NatsMessageLinkOptions
  private readonly capacity: number
  private readonly reader: FrameReader
  private readonly flushTask: () => void
  private readonly loss: Subscription
  private readonly confirmation: (error?: RpcError) => void
  private sink: MessageSink | undefined
  /**
   * Memory of messages one after the other, never written twice, for the client library keeps what it is given. The one
   * that leaves next is [start, end), its numbers included; there is none when they are equal.
   */
  private arena: Uint8Array
  private start: number
  private end: number
  /** Part of the arena behind `end` that a frame is being written to. */
  private lent: Uint8Array | undefined
  private flushScheduled: boolean
  /** Bytes that were published and not confirmed, and how many of them the PING that is under way is about. */
  private unconfirmed: number
  private asked: number
  private isNotified: boolean
  private nextOut: number
  private nextIn: number
  private unread: Uint8Array[] | undefined
  private unreadBytes: number
  private state: 'open' | 'refusing' | 'closing' | 'peerClosed' | 'ended'

  constructor(path: NatsPath, options: NatsMessageLinkOptions) {
    this.path = path
    this.options = options
    this.capacity = Math.max(LEAST_MESSAGE_BYTES, Math.min(options.messageBytes, path.link.maxPayloadBytes))
    this.reader = new FrameReader(options.maxFrameBytes, {
      frame: ({ bytes, start, end }) => {
        this.sink?.message(bytes.subarray(start, end))
        return this.state === 'open'
      },
      oversized: () => {
        this.state = 'refusing'
        this.sink?.tooLong()
      },
    })
    this.flushTask = () => this.flushTurn()
    this.confirmation = error => this.confirmed(error)
    this.sink = undefined
    this.arena = NO_BYTES
    this.start = 0
    this.end = 0
    this.lent = undefined
    this.flushScheduled = false
    this.unconfirmed = 0
    this.asked = 0
    this.isNotified = false
    this.nextOut = 0
    this.nextIn = 0
    this.unread = []
    this.unreadBytes = 0
    this.state = 'open'
    this.loss = new Subscription()
    this.loss.add(path.link.lost$.subscribe({ error: error => this.over(RpcError.from(error)) }))
  }

  get unsentBytes(): number {
    return this.end - this.start + this.unconfirmed
  }

  open(sink: MessageSink): void {
    this.sink = sink
  }

  allocate(length: number): Uint8Array {
    const size = PREFIX_BYTES + length
    this.lent = undefined
    if (size > this.capacity - DATA_HEADER_BYTES) return new Uint8Array(length) // goes in parts
    if (this.end > this.start && size > this.room()) this.flush()
    if (this.end === this.start) this.reserve(size)
    const at = this.end + (this.end === this.start ? DATA_HEADER_BYTES : 0) + PREFIX_BYTES
    this.lent = this.arena.subarray(at, at + length)
    return this.lent
  }

  send(message: Uint8Array, notify: boolean): void {
    if (this.state === 'ended') return
    this.isNotified ||= notify
    const { length } = message
    if (message === this.lent) {
      if (this.end === this.start) this.end += DATA_HEADER_BYTES
      putLength(this.arena, this.end, length)
      this.end += PREFIX_BYTES + length
    } else {
      putLength(PREFIX, 0, length)
      this.put(PREFIX)
      this.put(message)
    }
    this.lent = undefined
    if (this.flushScheduled) return
    this.flushScheduled = true
    this.options.runtime.microtask(this.flushTask)
  }

  read(): void {
    // In a turn of its own: whoever asks for frames is not called back at once. What comes until then waits behind.
    this.options.runtime.macrotask(() => {
      const { unread } = this
      this.unread = undefined
      for (const message of unread ?? []) this.take(message)
    })
  }

  close(): void {
    if (this.state !== 'open' && this.state !== 'refusing') return
    this.flush()
    this.state = 'closing'
    this.say(kinds.goodbye)
  }

  destroy(): void {
    if (this.state === 'ended') return
    if (this.state !== 'peerClosed' && this.state !== 'closing') this.sayReset()
    this.finish()
  }

  /** It cannot go on, for a reason of this end. */
  fail(error: RpcError): void {
    if (this.state === 'ended') return
    this.sayReset()
    this.over(error)
  }

  /** A message has come to the inbox. */
  received(message: Uint8Array): void {
    if (this.state === 'ended') return
    if (message[0] === kinds.reset) {
      this.over(connectionLost(this.path.remote, 'the other end has dropped it'))
      return
    }
    const number = numberOf(message)
    const isData = message[0] === kinds.data
    if (number === undefined || (!isData && message[0] !== kinds.goodbye))
      return this.fault('a message is none of this protocol')
    if (number !== this.nextIn)
      return this.fault(`message ${number} came where ${this.nextIn} was to come: NATS has lost or repeated some`)
    this.nextIn = (this.nextIn + 1) >>> 0
    if (this.unread === undefined) this.take(message)
    else this.keep(message)
  }

  private keep(message: Uint8Array): void {
    this.unreadBytes += message.length
    const { maxUnreadBytes } = this.options
    if (this.unreadBytes > maxUnreadBytes) this.fail(inboundOverflow(this.path.remote, maxUnreadBytes))
    else this.unread?.push(message)
  }

  private take(message: Uint8Array): void {
    if (this.state === 'ended') return
    if (message[0] === kinds.goodbye) this.peerClosed()
    else if (this.state === 'open') this.reader.read(message.subarray(DATA_HEADER_BYTES))
  }

  private peerClosed(): void {
    const { unfinished } = this.reader
    const { remote } = this.path
    const error =
      unfinished === undefined || this.state !== 'open'
        ? undefined
        : connectionLost(remote, `it closed after ${unfinished}`)
    if (this.state !== 'closing') {
      this.flush()
      this.state = 'peerClosed'
      this.say(kinds.goodbye)
    }
    this.over(error)
  }

  /** Appends bytes to what leaves next; messages that are full leave at once. */
  private put(bytes: Uint8Array): void {
    for (let offset = 0; offset < bytes.length;) {
      if (this.end === this.start) {
        this.reserve(Math.min(bytes.length - offset, this.capacity - DATA_HEADER_BYTES))
        this.end += DATA_HEADER_BYTES
      }
      const part = bytes.subarray(offset, offset + this.room())
      this.arena.set(part, this.end)
      this.end += part.length
      offset += part.length
      if (this.room() === 0) this.flush()
    }
  }

  /** Bytes that the message which leaves next still takes. */
  private room(): number {
    return Math.min(this.start + this.capacity, this.arena.length) - this.end
  }

  /** Makes room for a message of `size` bytes at least, where none has begun. */
  private reserve(size: number): void {
    if (this.end + DATA_HEADER_BYTES + size <= this.arena.length) return
    this.arena = new Uint8Array(Math.max(ARENA_BYTES, DATA_HEADER_BYTES + size))
    this.start = this.end = 0
  }

  private flushTurn(): void {
    this.flushScheduled = false
    this.flush()
  }

  private flush(): void {
    const { arena, start, end } = this
    if (start === end || this.state === 'ended') return
    this.start = end
    if (end === arena.length) {
      this.arena = NO_BYTES // an idle connection does not retain what has left
      this.start = this.end = 0
    }
    putDataHeader(arena, start, kinds.data, this.nextOut)
    this.nextOut = (this.nextOut + 1) >>> 0
    this.unconfirmed += end - start
    this.publish(arena.subarray(start, end))
    if (this.asked === 0) this.ask()
  }

  /** One PING at a time: what leaves until its PONG is there is what the next one is about. */
  private ask(): void {
    this.asked = this.unconfirmed
    this.path.link.confirm(this.confirmation, this.path.peer)
  }

  private confirmed(error: RpcError | undefined): void {
    this.unconfirmed -= this.asked
    this.asked = 0
    if (this.state === 'ended') return
    if (error !== undefined) return this.fail(error)
    if (this.unconfirmed > 0) this.ask()
    if (!this.isNotified || this.unsentBytes > 0) return
    this.isNotified = false
    this.sink?.drained()
  }

  private say(kind: number): void {
    const message = new Uint8Array(DATA_HEADER_BYTES)
    putDataHeader(message, 0, kind, this.nextOut)
    this.nextOut = (this.nextOut + 1) >>> 0
    this.publish(message)
  }

  private sayReset(): void {
    this.publish(new Uint8Array([kinds.reset]))
  }

  private publish(message: Uint8Array): void {
    try {
      this.path.link.publish(this.path.peer, message)
    } catch (error) {
      // The link has ended, or the server takes less than it said; not within `send`.
      const { remote } = this.path
      const lost = connectionLost(remote, RpcError.from(error).rawMessage, error)
      this.options.runtime.microtask(() => this.fail(lost))
    }
  }

  private fault(why: string): void {
    this.fail(connectionLost(this.path.remote, why))
  }

  private over(error: RpcError | undefined): void {
    if (this.state === 'ended') return
    this.finish()
    this.sink?.ended(error)
  }

  private finish(): void {
    this.state = 'ended'
    this.loss.unsubscribe()
    this.unread = undefined
    this.arena = NO_BYTES
    this.start = this.end = 0
    this.path.onEnd()
  }
}

const NO_BYTES = new Uint8Array(0)
/** Below it a server has no use: what is longer than it takes ends the connection. */
const LEAST_MESSAGE_BYTES = 64
/** Memory that is taken at once; longer messages have their own. */
const ARENA_BYTES = 65_536
/** Written and copied within one call. */
const PREFIX = new Uint8Array(PREFIX_BYTES)

function putLength(target: Uint8Array, offset: number, length: number): void {
  target[offset] = length >>> 16
  target[offset + 1] = length >>> 8
  target[offset + 2] = length
}
