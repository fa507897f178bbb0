import type { Socket as NodeSocket } from 'node:net'
import { Subject, type Observable, type Subscription } from 'rxjs'
import type { RpcError, Runtime } from '../core/index.js'
import type { Ends } from './ends.js'
import { explainErrno } from './explain-errno.js'
import { FrameReader, PREFIX_BYTES } from './frame-reader.js'
import {
  connectionLost,
  frameTooLarge,
  inboundSubscriberThrew,
  tlsFailed,
  type TlsProblem,
} from './transport-errors.js'
import type { Frame, FrameWriter, PeerCertificate } from './transport.js'
import { Inbound } from './inbound.js'
import type { OwnedSocket } from './owned-socket.js'

/** How a {@link netSocket} behaves; the meaning and defaults are those of the transport's options. */
export interface NetSocketOptions {
  /** Where turns and timers come from. */
  readonly runtime: Runtime
  /** Longest frame either way, in bytes without its length. */
  readonly maxFrameBytes: number
  /** Unsent bytes above which `send` gives false. */
  readonly highWaterMarkBytes: number
  /** Frames that are written without waiting for the end of the turn. */
  readonly flushFrames: number
  /** How long `close` waits for the peer, or for progress, in ms. */
  readonly closeTimeoutMs: number
}

/** What the end of a connection means when nothing came before it, with the error it broke with; `undefined`: the usual. */
export type ExplainEnd = (error: NodeJS.ErrnoException | undefined) => RpcError | undefined

/** A stream socket of Node that is open and paused. */
export interface OpenSocket {
  /** The socket; it waits with its own end for ours. */
  readonly socket: NodeSocket
  /** What its end means, where its kind has reasons of its own. @default nothing else */
  readonly explainEnd?: ExplainEnd
}

/**
 * Carries frames over an open, paused stream socket of Node, each with its length before it.
 *
 * Frames are written in place into an arena of 64 KiB. What a turn has sent leaves in one write at its end, or as soon
 * as `flushFrames` frames or the arena are full. An arena is never written twice, so the kernel may take its time.
 */
export function netSocket(open: OpenSocket, ends: Ends, options: NetSocketOptions): OwnedSocket {
  return new NetSocket(open, ends, options)
}

const ARENA_BYTES = 65_536
const NO_BYTES = Buffer.alloc(0)

/** Open: both ways. Refusing: a frame was too long, only sending works. Closing: what was accepted is on its way. */
type State = 'open' | 'refusing' | 'closing' | 'closed'

class NetSocket implements OwnedSocket {
  readonly local: string
  readonly remote: string
  readonly peerCertificate: PeerCertificate | undefined
  readonly inbound: Observable<Frame>
  readonly writable: Observable<void>
  private readonly socket: NodeSocket
  private readonly explainEnd: ExplainEnd | undefined
  private readonly options: NetSocketOptions
  private readonly reader: FrameReader
  private readonly received: Inbound
  private readonly writableAgain: Subject<void>
  private readonly flushTask: () => void
  private readonly written: () => void
  private state: State
  /** Arena with frames in [arenaStart, arenaEnd) that are not written yet. */
  private arena: Uint8Array
  private arenaStart: number
  private arenaEnd: number
  private pendingFrames: number
  private flushScheduled: boolean
  /** Whether `send` gave false and `writable` has not emitted since. */
  private blocked: boolean
  /** Whether anything has come. */
  private heard: boolean
  private closeTimer: Subscription | undefined

  constructor({ socket, explainEnd }: OpenSocket, { local, remote, peerCertificate }: Ends, options: NetSocketOptions) {
    this.local = local
    this.remote = remote
    this.peerCertificate = peerCertificate
    this.socket = socket
    this.explainEnd = explainEnd
    this.options = options
    this.received = new Inbound(remote, { taken: () => this.read(), released: () => this.release() })
    this.inbound = this.received.frames
    this.writableAgain = new Subject()
    this.writable = this.writableAgain.asObservable()
    this.reader = new FrameReader(options.maxFrameBytes, {
      frame: frame => this.deliver(frame),
      oversized: length => this.refuse(length),
    })
    this.flushTask = () => this.flushTurn()
    this.written = () => this.handedOver()
    this.state = 'open'
    this.arena = NO_BYTES
    this.arenaStart = 0
    this.arenaEnd = 0
    this.pendingFrames = 0
    this.flushScheduled = false
    this.blocked = false
    this.heard = false
    this.closeTimer = undefined
    socket.allowHalfOpen = true // the end that we send comes after what was accepted
    socket
      .on('end', () => this.peerClosed())
      .on('error', error => this.broken(error))
      .on('close', () => this.end(undefined))
  }

  send(length: number, write: FrameWriter): boolean {
    if (this.state !== 'open' && this.state !== 'refusing') return false
    const { maxFrameBytes, highWaterMarkBytes, flushFrames, runtime } = this.options
    if (length > maxFrameBytes) throw frameTooLarge(length, maxFrameBytes, `cannot send to ${this.remote}:`)
    const size = PREFIX_BYTES + length
    if (size > this.arena.length - this.arenaEnd) this.renewArena(size)
    const offset = this.arenaEnd
    putLength(this.arena, offset, length)
    write(this.arena, offset + PREFIX_BYTES)
    this.arenaEnd = offset + size // only now, so that a writer that throws leaves no trace
    if (++this.pendingFrames >= flushFrames) this.flush()
    else if (!this.flushScheduled) {
      this.flushScheduled = true
      runtime.microtask(this.flushTask)
    }
    if (this.unsentBytes() <= highWaterMarkBytes) return true
    this.blocked = true
    return false
  }

  close(): void {
    if (this.state !== 'open' && this.state !== 'refusing') return
    this.flush()
    this.state = 'closing'
    this.socket.end()
    this.socket.resume() // the peer's own end comes after whatever it still sends
    this.awaitEnd(this.socket.writableLength)
  }

  onEnd(listener: (error: RpcError | undefined) => void): void {
    this.received.onEnd(listener)
  }

  abort(): void {
    if (this.state === 'open' || this.state === 'refusing') this.end(undefined)
  }

  private read(): void {
    this.socket.on('data', chunk => this.receive(chunk)).resume()
  }

  /** The subscriber has gone: abrupt, unless a graceful end is under way or the subscriber was told why. */
  private release(): void {
    if (this.state === 'open') this.end(undefined)
  }

  private receive(chunk: Uint8Array): void {
    if (this.state !== 'open') return
    if (!this.heard) {
      this.heard = true
      if (isTlsRecord(chunk)) return this.end(tlsFailed(this.remote, UNEXPECTED_TLS))
    }
    try {
      this.reader.read(chunk)
    } catch (error) {
      // Only a hand-made Subscriber can throw here; RxJS reports what plain observers throw by itself.
      this.end(inboundSubscriberThrew(this.remote, error))
    }
  }

  private deliver(frame: Frame): boolean {
    this.received.next(frame)
    return this.state === 'open'
  }

  private refuse(length: number): void {
    this.state = 'refusing'
    const { scheduler } = this.options.runtime
    this.closeTimer = scheduler.schedule(() => this.close(), this.options.closeTimeoutMs) // whoever forgets to close
    this.received.refuse(frameTooLarge(length, this.options.maxFrameBytes, `${this.remote} announced`))
  }

  private peerClosed(): void {
    const { unfinished } = this.reader
    if (this.state !== 'open') return this.end(undefined)
    if (unfinished !== undefined) return this.end(connectionLost(this.remote, `it closed after ${unfinished}`))
    this.end(this.heard ? undefined : this.explainEnd?.(undefined))
  }

  private broken(error: Error): void {
    const delivered = this.state === 'closing' && this.socket.writableFinished
    if (delivered) return this.end(undefined)
    const explained = this.heard ? undefined : this.explainEnd?.(error)
    this.end(explained ?? connectionLost(this.remote, explainErrno(error), error))
  }

  /** Ends a closing connection when nothing has moved for a while; a slow peer that takes bytes is waited for. */
  private awaitEnd(unsentBytes: number): void {
    const { runtime, closeTimeoutMs } = this.options
    this.closeTimer?.unsubscribe()
    this.closeTimer = runtime.scheduler.schedule(() => {
      const { writableLength } = this.socket
      if (writableLength === 0) this.end(undefined)
      else if (writableLength < unsentBytes) this.awaitEnd(writableLength)
      else this.end(connectionLost(this.remote, `it took none of ${writableLength} bytes for ${closeTimeoutMs} ms`))
    }, closeTimeoutMs)
  }

  /** The connection is over. The first reason counts. */
  private end(error: RpcError | undefined): void {
    if (this.state === 'closed') return
    this.state = 'closed'
    this.closeTimer?.unsubscribe()
    this.arena = NO_BYTES
    this.arenaStart = this.arenaEnd = 0
    this.socket.destroy()
    this.received.end(error)
    this.writableAgain.complete()
  }

  private flushTurn(): void {
    this.flushScheduled = false
    this.flush()
  }

  private flush(): void {
    this.pendingFrames = 0
    const { arenaStart, arenaEnd } = this
    if (arenaStart === arenaEnd) return
    this.arenaStart = arenaEnd
    this.socket.write(this.arena.subarray(arenaStart, arenaEnd), this.written)
    if (arenaEnd < this.arena.length) return
    this.arena = NO_BYTES // an idle connection does not retain the memory of a long frame
    this.arenaStart = this.arenaEnd = 0
  }

  private renewArena(size: number): void {
    this.flush()
    this.arena = Buffer.allocUnsafeSlow(Math.max(size, ARENA_BYTES))
    this.arenaStart = this.arenaEnd = 0
  }

  /** Node calls it in a later turn, once for all writes that have ended by then. */
  private handedOver(): void {
    if (!this.blocked || this.state === 'closing' || this.unsentBytes() > 0) return
    this.blocked = false
    this.writableAgain.next()
  }

  private unsentBytes(): number {
    return this.arenaEnd - this.arenaStart + this.socket.writableLength
  }
}

const UNEXPECTED_TLS: TlsProblem = {
  problem: 'unexpected_tls',
  text: 'it speaks TLS, this end does not; give both ends `tls`, or neither',
}

/** Whether a connection begins with the hello of a TLS client, or with the alert of a TLS server, and not with a frame. */
function isTlsRecord(chunk: Uint8Array): boolean {
  if (chunk[1] !== 3) return false
  const length = ((chunk[3] ?? 0) << 8) | (chunk[4] ?? 0)
  return (
    (chunk[0] === 0x16 && length > 0 && chunk[5] === 1) || (chunk[0] === 0x15 && length === 2 && chunk.length === 7)
  )
}

function putLength(target: Uint8Array, offset: number, length: number): void {
  target[offset] = length >>> 16
  target[offset + 1] = length >>> 8
  target[offset + 2] = length
}
