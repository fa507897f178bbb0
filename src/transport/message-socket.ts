import { Subject, type Observable, type Subscription } from 'rxjs'
import type { RpcError, Runtime } from '../core/index.js'
import type { Ends } from './ends.js'
import { Inbound } from './inbound.js'
import type { OwnedSocket } from './owned-socket.js'
import { connectionLost, frameTooLarge, inboundSubscriberThrew, textMessage } from './transport-errors.js'
import type { Frame, FrameWriter, PeerCertificate } from './transport.js'
import { NORMAL, NOT_BINARY, TOO_LONG } from './close-code.js'
import type { MessageLink, MessageSink } from './message-link.js'

/** How a {@link messageSocket} behaves; the meaning and defaults are those of the transport's options. */
export interface MessageSocketOptions {
  /** Where timers come from. */
  readonly runtime: Runtime
  /** Longest frame either way, in bytes. */
  readonly maxFrameBytes: number
  /** Unsent bytes above which `send` gives false. */
  readonly highWaterMarkBytes: number
  /** How long `close` waits for the peer, or for progress, in ms. */
  readonly closeTimeoutMs: number
}

/** Carries frames over an open link, each as one message. */
export function messageSocket(link: MessageLink, ends: Ends, options: MessageSocketOptions): OwnedSocket {
  const socket = new MessageSocket(link, ends, options)
  link.open(socket)
  return socket
}

const NO_BYTES = new Uint8Array(0)

/**
 * Open: both ways. Refusing: a message cannot be taken, only sending works. Closing: what was accepted is on its way.
 * Left: the peer or the link is closing.
 */
type State = 'open' | 'refusing' | 'closing' | 'left' | 'closed'

class MessageSocket implements OwnedSocket, MessageSink {
  readonly local: string
  readonly remote: string
  readonly peerCertificate: PeerCertificate | undefined
  readonly inbound: Observable<Frame>
  readonly writable: Observable<void>
  private readonly link: MessageLink
  private readonly options: MessageSocketOptions
  private readonly received: Inbound
  private readonly writableAgain: Subject<void>
  private readonly view: { bytes: Uint8Array; start: number; end: number }
  private state: State
  private closeCode: number
  /** Whether `send` gave false and `writable` has not emitted since. */
  private blocked: boolean
  private closeTimer: Subscription | undefined

  constructor(link: MessageLink, { local, remote, peerCertificate }: Ends, options: MessageSocketOptions) {
    this.local = local
    this.remote = remote
    this.peerCertificate = peerCertificate
    this.received = new Inbound(remote, { taken: () => link.read(), released: () => this.release() })
    this.inbound = this.received.frames
    this.writableAgain = new Subject()
    this.writable = this.writableAgain.asObservable()
    this.link = link
    this.options = options
    this.view = { bytes: NO_BYTES, start: 0, end: 0 }
    this.state = 'open'
    this.closeCode = NORMAL
    this.blocked = false
    this.closeTimer = undefined
  }

  send(length: number, write: FrameWriter): boolean {
    if (!this.maySend()) return false
    const { link } = this
    const { maxFrameBytes, highWaterMarkBytes } = this.options
    if (length > maxFrameBytes) throw frameTooLarge(length, maxFrameBytes, `cannot send to ${this.remote}:`)
    const message = link.allocate(length)
    write(message, 0)
    const full = link.unsentBytes + length > highWaterMarkBytes
    this.blocked ||= full
    link.send(message, this.blocked)
    return !full
  }

  close(): void {
    if (!this.maySend()) return
    this.state = 'closing'
    this.link.close(this.closeCode)
    this.link.read() // the peer's own end comes after whatever it still sends
    this.awaitEnd(this.link.unsentBytes)
  }

  onEnd(listener: (error: RpcError | undefined) => void): void {
    this.received.onEnd(listener)
  }

  abort(): void {
    if (this.maySend()) this.end(undefined)
  }

  message(bytes: Uint8Array): void {
    if (this.state !== 'open') return
    if (bytes.length > this.options.maxFrameBytes) return this.tooLong(bytes.length) // the platform knows no limit
    const { view } = this
    view.bytes = bytes
    view.end = bytes.length
    try {
      this.received.next(view)
    } catch (error) {
      // Only a hand-made Subscriber can throw here; RxJS reports what plain observers throw by itself.
      this.end(inboundSubscriberThrew(this.remote, error))
    }
    view.bytes = NO_BYTES // an idle connection does not retain its last message
  }

  text(length: number): void {
    this.refuse(NOT_BINARY, textMessage(this.remote, length))
  }

  tooLong(length?: number): void {
    this.refuse(TOO_LONG, frameTooLarge(length, this.options.maxFrameBytes, `${this.remote} announced`))
  }

  drained(): void {
    if (!this.blocked || !this.maySend() || this.link.unsentBytes > 0) return
    this.blocked = false
    this.writableAgain.next()
  }

  leaving(error: RpcError | undefined): void {
    if (this.state === 'closed') return
    this.received.failure ??= error
    if (this.state === 'closing') return
    this.state = 'left'
    this.awaitEnd(this.link.unsentBytes)
  }

  ended(error: RpcError | undefined): void {
    const delivered = this.state === 'closing' && this.link.unsentBytes === 0
    this.end(delivered ? undefined : error)
  }

  private maySend(): boolean {
    return this.state === 'open' || this.state === 'refusing'
  }

  /** The subscriber has gone: abrupt, unless a graceful end is under way or the subscriber was told why. */
  private release(): void {
    if (this.state === 'open') this.end(undefined)
  }

  /** Takes nothing any more; the subscriber may still tell the peer why. */
  private refuse(closeCode: number, failure: RpcError): void {
    if (this.state !== 'open') return
    this.closeCode = closeCode
    this.state = 'refusing'
    const { scheduler } = this.options.runtime
    this.closeTimer = scheduler.schedule(() => this.close(), this.options.closeTimeoutMs) // whoever forgets to close
    this.received.refuse(failure)
  }

  /** Ends a closing connection when nothing has moved for a while; a slow peer that takes bytes is waited for. */
  private awaitEnd(unsentBytes: number): void {
    const { runtime, closeTimeoutMs } = this.options
    this.closeTimer?.unsubscribe()
    this.closeTimer = runtime.scheduler.schedule(() => {
      const left = this.link.unsentBytes
      if (left === 0) this.end(undefined)
      else if (left < unsentBytes) this.awaitEnd(left)
      else this.end(connectionLost(this.remote, `it took none of ${left} bytes for ${closeTimeoutMs} ms`))
    }, closeTimeoutMs)
  }

  /** The connection is over. The first reason counts. */
  private end(error: RpcError | undefined): void {
    if (this.state === 'closed') return
    this.state = 'closed'
    this.closeTimer?.unsubscribe()
    this.link.destroy()
    this.received.end(error)
    this.writableAgain.complete()
  }
}
