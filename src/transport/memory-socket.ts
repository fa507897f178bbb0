import { Subject, type Observable } from 'rxjs'
import type { RpcError, Runtime } from '../core/index.js'
import { later } from './later.js'
import type { MemoryLane } from './memory-lane.js'
import { Inbound } from './inbound.js'
import type { OwnedSocket } from './owned-socket.js'
import { connectionLost, frameTooLarge, inboundSubscriberThrew } from './transport-errors.js'
import type { Frame, FrameWriter } from './transport.js'

/** What one end of a memory link is made of. */
export interface MemorySocketOptions {
  /** Address of this end. */
  readonly local: string
  /** Address of the other end. */
  readonly remote: string
  /** Where turns come from. */
  readonly runtime: Runtime
  /** Longest frame that may be sent. */
  readonly maxFrameBytes: number
  /** Bytes under way above which `send` gives false. */
  readonly highWaterMarkBytes: number
  /** How long the end of this end takes to the other. */
  readonly latencyMs: number
  /** What this end sends. */
  readonly outgoing: MemoryLane
  /** What this end receives. */
  readonly incoming: MemoryLane
  /** Puts a frame on the outgoing lane, or lets a fault have it. */
  readonly transmit: (bytes: Uint8Array) => void
  /** Called once when this end has ended. */
  readonly ended: () => void
}

/** One end of a memory link. */
export class MemorySocket implements OwnedSocket {
  readonly local: string
  readonly remote: string
  readonly inbound: Observable<Frame>
  readonly writable: Observable<void>
  private readonly options: MemorySocketOptions
  private readonly received: Inbound
  private readonly writableAgain: Subject<void>
  private readonly view: { bytes: Uint8Array; start: number; end: number }
  private state: 'open' | 'ending' | 'ended'
  private blocked: boolean

  /** Makes an open end. */
  constructor(options: MemorySocketOptions) {
    this.local = options.local
    this.remote = options.remote
    this.received = new Inbound(options.remote, { taken: () => this.read(), released: () => this.abort() })
    this.inbound = this.received.frames
    this.writableAgain = new Subject()
    this.writable = this.writableAgain.asObservable()
    this.options = options
    this.view = { bytes: NO_BYTES, start: 0, end: 0 }
    this.state = 'open'
    this.blocked = false
    options.outgoing.onEmpty = () => this.emptied()
  }

  send(length: number, write: FrameWriter): boolean {
    if (this.state !== 'open') return false
    const { maxFrameBytes, highWaterMarkBytes, outgoing, transmit } = this.options
    if (length > maxFrameBytes) throw frameTooLarge(length, maxFrameBytes, `cannot send to ${this.remote}:`)
    const bytes = new Uint8Array(length)
    write(bytes, 0)
    transmit(bytes)
    if (outgoing.waitingBytes <= highWaterMarkBytes) return this.isOpen()
    this.blocked = true
    return false
  }

  close(): void {
    if (this.state !== 'open') return
    const { outgoing, incoming, latencyMs } = this.options
    outgoing.end(latencyMs)
    incoming.cut()
    this.endLater(undefined)
  }

  abort(): void {
    if (this.state !== 'open') return
    this.options.outgoing.abort(this.options.latencyMs)
    this.end(undefined)
  }

  /** The link is lost: nothing goes in or out any more, and the subscribers learn of it in a later turn. */
  lose(): void {
    if (this.state === 'open') this.endLater(connectionLost(this.remote, 'the link broke'))
  }

  onEnd(listener: (error: RpcError | undefined) => void): void {
    this.received.onEnd(listener)
  }

  private read(): void {
    if (this.state !== 'open') return
    this.options.incoming.read({ frame: bytes => this.deliver(bytes), ended: dropped => this.peerEnded(dropped) })
  }

  private deliver(bytes: Uint8Array): void {
    const { view } = this
    view.bytes = bytes
    view.end = bytes.length
    try {
      this.received.next(view)
    } catch (error) {
      // Only a hand-made Subscriber can throw here; RxJS reports what plain observers throw by itself.
      this.options.outgoing.abort(this.options.latencyMs)
      this.end(inboundSubscriberThrew(this.remote, error))
    }
  }

  private peerEnded(dropped: number): void {
    this.end(dropped === 0 ? undefined : connectionLost(this.remote, `it ended with ${dropped} frames unsent`))
  }

  private emptied(): void {
    if (!this.blocked || this.state !== 'open') return
    this.blocked = false
    this.writableAgain.next()
  }

  private isOpen(): boolean {
    return this.state === 'open'
  }

  private endLater(error: RpcError | undefined): void {
    this.state = 'ending'
    later(this.options.runtime, 0, () => this.end(error))
  }

  private end(error: RpcError | undefined): void {
    if (this.state === 'ended') return
    this.state = 'ended'
    this.options.incoming.cut()
    this.received.end(error)
    this.writableAgain.complete()
    this.options.ended()
  }
}

const NO_BYTES = new Uint8Array(0)
