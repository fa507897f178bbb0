import { Observable, Subject, type Subscriber, type Subscription } from 'rxjs'
import { retrySafely, RpcError } from '../../../core/index.js'
import type { Frame, FrameWriter, PeerCertificate, Socket } from '../../../transport/index.js'
import { ErrorCode, Flag, FrameType, HEADER_BYTES, readU16, readU32 } from '../frame.js'
import { Carrier, type CarrierOwner } from './carrier.js'
import { connectionErrorFrame, hasPosition, keepaliveFrame, readPosition, writePosition } from './resume-frame.js'
import type { SessionContext } from './resume-options.js'
import { RetainedFrames } from './retained-frames.js'
import type { ResumeEnd, Session } from './session.js'

/**
 * A socket over a succession of network connections, its carriers. {@link ClientResumption} and {@link ServerResumption}
 * add where the next carrier comes from.
 *
 * 1. Frames of streams are retained until the peer says that it has them, in KEEPALIVE or when it resumes; over a new
 *    carrier those that it has not are sent again, before any other.
 * 2. Frames of the connection are not retained: they go to the carrier at once, or nowhere.
 * 3. Whatever arrived has been given to the engine when its position is told.
 */
export abstract class ResumableSocket implements Socket, Session, CarrierOwner {
  readonly local: string
  readonly remote: string
  readonly peerCertificate: PeerCertificate | undefined
  readonly inbound: Observable<Frame>
  readonly writable: Observable<void>
  readonly resumed: Observable<void>
  protected readonly context: SessionContext
  protected readonly retained: RetainedFrames
  /** Bytes of frames of streams that have arrived. */
  protected received: number
  /** What carries the session now, if anything. */
  protected carrier: Carrier | undefined
  /** Whether the peer is known to have the session; until then it gets no frame of a stream. */
  protected confirmed: boolean
  /** Whether a loss is survived. */
  protected resumable: boolean
  private readonly writableAgain: Subject<void>
  private readonly resumedAgain: Subject<void>
  private readonly encode: FrameWriter
  private phase: Phase
  /** Bytes of `received` that the peer knows of. */
  private acknowledged: number
  /** Whether the peer was asked what it has, and has not answered. */
  private asked: boolean
  /** Whether the carrier does not take more. */
  private full: boolean
  /** Whether `send` gave false, and `writable` has not emitted since. */
  private blocked: boolean
  /** Whether either side has said that the connection ends. */
  private endTold: boolean
  private subscriber: Subscriber<Frame> | undefined
  private timer: Subscription | undefined
  private lostAt: number
  private writer: FrameWriter
  private length: number
  private encoded: boolean

  constructor(socket: Socket, context: SessionContext) {
    this.local = socket.local
    this.remote = socket.remote
    this.peerCertificate = socket.peerCertificate
    this.writableAgain = new Subject()
    this.resumedAgain = new Subject()
    this.inbound = new Observable(subscriber => this.take(subscriber))
    this.writable = this.writableAgain.asObservable()
    this.resumed = this.resumedAgain.asObservable()
    this.context = context
    this.retained = new RetainedFrames()
    this.received = 0
    this.carrier = new Carrier(socket, this)
    this.confirmed = true
    this.resumable = false
    this.encode = (target, offset) => this.write(target, offset)
    this.phase = 'plain'
    this.acknowledged = 0
    this.asked = false
    this.full = false
    this.blocked = false
    this.endTold = false
    this.subscriber = undefined
    this.timer = undefined
    this.lostAt = 0
    this.writer = NO_WRITER
    this.length = 0
    this.encoded = false
  }

  /** Bytes that it retains while it waits for a carrier. */
  get retainedBytes(): number {
    return this.retained.bytes
  }

  send(length: number, write: FrameWriter): boolean {
    const { carrier, phase } = this
    if (phase === 'closing' || phase === 'over') return false
    if (phase === 'plain') return this.passed(carrier !== undefined && carrier.send(length, write))
    if (carrier === undefined || !this.confirmed || this.retained.behind) return this.hold(length, write)
    this.writer = write
    this.length = length
    this.encoded = false
    const taken = carrier.send(length, this.encode)
    this.writer = NO_WRITER
    if (!this.encoded) return this.hold(length, write) // it has ended, and will tell
    if (!taken) this.full = true
    this.askIfMuch()
    return this.passed(taken && !this.retainsMuch())
  }

  close(): void {
    if (this.phase === 'closing' || this.phase === 'over') return
    const { carrier } = this
    if (this.phase === 'session' && carrier !== undefined && !this.endTold) {
      this.sendRest(carrier)
      carrier.sendFrame(connectionErrorFrame(ErrorCode.CONNECTION_ERROR, closedInOrder()))
    }
    this.phase = 'closing'
    this.release()
    if (carrier === undefined) this.context.runtime.microtask(() => this.finish(undefined))
    else carrier.close()
  }

  abandon(why: RpcError): boolean {
    if (this.phase !== 'session' || !this.resumable) return false
    const { carrier } = this
    if (carrier === undefined) return true
    carrier.abort()
    this.detached(why)
    return true
  }

  abstract peerDrains(): void

  refusal(): RpcError | undefined {
    const { maxRetainedBytes, maxWaitMs, runtime } = this.context
    if (this.phase !== 'session' || !this.resumable) return undefined
    if (this.carrier === undefined && runtime.scheduler.now() - this.lostAt > maxWaitMs) {
      return new RpcError('UNAVAILABLE', `the connection to ${this.remote} is lost and not yet resumed`, {
        reason: 'connection_detached',
        retry: retrySafely,
      })
    }
    const { bytes } = this.retained
    if (bytes <= maxRetainedBytes * 0.75) return undefined
    return new RpcError('RESOURCE_EXHAUSTED', `${this.remote} has not acknowledged ${bytes} bytes`, {
      reason: 'queue_full',
      retry: retrySafely,
      details: { retainedBytes: bytes, limit: maxRetainedBytes },
    })
  }

  onFrame(frame: Frame): void {
    if (this.phase !== 'session') {
      this.subscriber?.next(frame)
      return
    }
    const { bytes, start, end } = frame
    if (end - start >= HEADER_BYTES) {
      if (readU32(bytes, start) === 0) this.onControlFrame(bytes, start, end)
      else this.received += end - start
    }
    this.subscriber?.next(frame)
    if (this.received - this.acknowledged >= ACKNOWLEDGE_BYTES) this.acknowledge(0)
    if (!this.confirmed) this.confirm()
  }

  onWritable(): void {
    this.full = false
    this.sendRetained()
    this.wake()
  }

  onLost(error: RpcError | undefined): void {
    if (error?.reason === 'frame_too_large') this.refuse(error)
    else if (this.phase === 'session' && this.resumable && !this.endTold) this.detached(error)
    else this.finish(error)
  }

  /** Retains frames of streams from now on; the next frame is SETUP, or was. */
  protected beginSession(): void {
    this.phase = 'session'
    this.resumable = true
  }

  /** Goes on over `carrier`, whose peer has received `position` bytes. */
  protected attach(carrier: Carrier, position: number): void {
    const { runtime, log } = this.context
    const waitedMs = this.carrier === undefined ? Math.round(runtime.scheduler.now() - this.lostAt) : 0
    this.carrier?.abort() // the peer noticed the loss before we did
    this.timer?.unsubscribe()
    this.carrier = carrier
    carrier.owner = this
    this.full = false
    this.asked = false
    this.acknowledged = this.received
    this.retained.release(position)
    this.retained.rewind()
    const { local, remote } = this
    const resentBytes = this.retained.end - this.retained.first
    log({
      level: 'info',
      event: 'session.resumed',
      message: `connection ${local} – ${remote} goes on after ${waitedMs} ms, ${resentBytes} bytes are sent again`,
      fields: { local, remote, waitedMs, resentBytes },
    })
    this.sendRetained()
    this.resumedAgain.next()
    this.wake()
  }

  /** Looks for another carrier, or waits for one. */
  protected abstract onDetached(): void

  /** Forgets the session wherever it is known; it may come again. */
  protected abstract onReleased(): void

  /** A frame of the connection is about to leave. */
  protected onControlSent(_type: number, _frame: Uint8Array, _start: number, _length: number): void {}

  /** Survives no further loss. Ends at once when there is nothing that carries it. */
  protected settle(error: RpcError): void {
    if (this.phase !== 'session') return
    this.resumable = false
    if (this.carrier === undefined) this.finish(error)
    else if (!this.retained.behind && this.confirmed) this.retained.clear()
  }

  /** Ends it for good. */
  protected finish(error: RpcError | undefined): void {
    if (this.phase === 'over') return
    this.phase = 'over'
    this.carrier = undefined
    this.release()
    if (error === undefined) this.subscriber?.complete()
    else this.subscriber?.error(error)
    this.writableAgain.complete()
    this.resumedAgain.complete()
  }

  /** Why the session ends. */
  protected ending(reason: ResumeEnd, why: string, cause?: unknown): RpcError {
    const message = `the connection to ${this.remote} is lost and not resumed: ${why}`
    return new RpcError('UNAVAILABLE', message, { reason, cause })
  }

  /** Tells the peer what has arrived. */
  protected acknowledge(flags: number): void {
    this.acknowledged = this.received
    this.carrier?.sendFrame(keepaliveFrame(flags, this.received))
  }

  private take(subscriber: Subscriber<Frame>): void {
    this.subscriber = subscriber
    subscriber.add(() => this.abort())
    this.carrier?.start()
  }

  /** Ends what arrives: the frame would be there again after a resumption. Sending still works, to tell the peer. */
  private refuse(error: RpcError): void {
    this.resumable = false
    this.retained.clear()
    this.subscriber?.error(error)
  }

  /** The engine has gone: at once, unless a graceful end is under way. */
  private abort(): void {
    this.subscriber = undefined
    if (this.phase === 'closing' || this.phase === 'over') return
    this.carrier?.abort()
    this.finish(undefined)
  }

  private release(): void {
    this.resumable = false
    this.timer?.unsubscribe()
    this.retained.clear()
    this.onReleased()
  }

  private passed(taken: boolean): boolean {
    if (!taken) this.blocked = true
    return taken
  }

  private retainsMuch(): boolean {
    return this.resumable && this.retained.bytes > this.context.maxRetainedBytes / 2
  }

  /** The carrier takes a frame. */
  private write(target: Uint8Array, offset: number): void {
    const { length } = this
    this.writer(target, offset)
    this.encoded = true
    if (readU32(target, offset) === 0) this.onControl(target, offset, length)
    else if (this.resumable) {
      this.retained.append(target, offset, length)
      if (this.retained.bytes > this.context.maxRetainedBytes) this.overflow()
    }
  }

  /** Keeps a frame of a stream for later, after those that wait already; passes one of the connection on. */
  private hold(length: number, write: FrameWriter): false {
    const { retained, carrier } = this
    this.blocked = true
    retained.write(length, write)
    const { bytes, at } = retained.written
    if (readU32(bytes, at) === 0) {
      this.onControl(bytes, at, length)
      if (carrier !== undefined) retained.sendWritten(carrier.send)
      if (readU16(bytes, at + 4) >>> 10 === FrameType.SETUP) this.acknowledge(Flag.RESPOND) // its answer confirms
    } else {
      retained.commit()
      if (this.resumable && retained.bytes > this.context.maxRetainedBytes) this.overflow()
    }
    return false
  }

  private onControl(frame: Uint8Array, start: number, length: number): void {
    const type = readU16(frame, start + 4) >>> 10
    if (type === FrameType.KEEPALIVE && hasPosition(start, start + length)) {
      this.acknowledged = this.received
      writePosition(frame, start + HEADER_BYTES, this.received)
    } else if (type === FrameType.ERROR && endsConnection(frame, start, start + length)) this.endTold = true
    this.onControlSent(type, frame, start, length)
  }

  private onControlFrame(bytes: Uint8Array, start: number, end: number): void {
    const type = readU16(bytes, start + 4) >>> 10
    if (type === FrameType.KEEPALIVE && hasPosition(start, end)) {
      this.asked = false
      this.retained.release(readPosition(bytes, start + HEADER_BYTES))
      this.wake()
    } else if (type === FrameType.ERROR && endsConnection(bytes, start, end)) this.endTold = true
  }

  /** A peer that acknowledges with its keepalives only is asked before streams have to wait for them. */
  private askIfMuch(): void {
    if (this.asked || !this.resumable || this.retained.bytes <= this.context.maxRetainedBytes / 4) return
    this.asked = true
    this.acknowledge(Flag.RESPOND)
  }

  private confirm(): void {
    this.confirmed = true
    this.sendRetained()
    this.wake()
  }

  private sendRetained(): void {
    const { retained, carrier } = this
    if (this.phase !== 'session' || carrier === undefined || !this.confirmed) return
    try {
      while (retained.behind && !this.full) this.full = !retained.sendNext(carrier.send)
    } catch (error) {
      // A frame is over the limit of the transport, which was not known when the engine sent it.
      this.refuse(RpcError.from(error, 'INTERNAL'))
      return
    }
    if (retained.behind) return
    if (this.resumable) this.askIfMuch()
    else retained.clear()
  }

  /** What was accepted leaves before the end. */
  private sendRest(carrier: Carrier): void {
    try {
      while (this.retained.behind) this.retained.sendNext(carrier.send)
    } catch {
      // A frame is over the limit of the transport; whoever sent it has gone.
    }
  }

  private wake(): void {
    if (!this.blocked || this.carrier === undefined || this.full) return
    if (this.phase === 'session') {
      if (!this.confirmed || this.retained.behind) return
      if (this.resumable && this.retained.bytes > this.context.maxRetainedBytes / 4) return
    } else if (this.phase !== 'plain') return
    this.blocked = false
    this.writableAgain.next()
  }

  private overflow(): void {
    const { runtime, log, maxRetainedBytes } = this.context
    const { local, remote } = this
    this.resumable = false
    const error = this.ending('resume_overflow', `more than ${maxRetainedBytes} bytes were not acknowledged`)
    log({
      level: 'warn',
      event: 'session.overflow',
      message: `connection ${local} – ${remote} cannot be resumed: over ${maxRetainedBytes} bytes are not acknowledged`,
      fields: { local, remote, reason: error.reason },
    })
    // Not now: who sends hears nothing before `send` returns.
    runtime.microtask(() => {
      this.settle(error)
      this.wake()
    })
  }

  private detached(cause: RpcError | undefined): void {
    const { runtime, log, sessionMs } = this.context
    const { local, remote } = this
    this.carrier = undefined
    this.lostAt = runtime.scheduler.now()
    const why = cause?.rawMessage ?? 'the peer closed it'
    log({
      level: 'info',
      event: 'session.detached',
      message: `connection ${local} – ${remote} is lost, to be resumed within ${sessionMs} ms: ${why}`,
      fields: { local, remote, reason: cause?.reason },
    })
    this.timer = runtime.scheduler.schedule(() => {
      this.finish(this.ending('resume_expired', `not within ${sessionMs} ms: ${why}`, cause))
    }, sessionMs)
    this.onDetached()
  }
}

/** Plain: no session. Session: begun. Closing: what was accepted is on its way. */
type Phase = 'plain' | 'session' | 'closing' | 'over'

/** Received bytes after which they are acknowledged without waiting for the next keepalive. */
const ACKNOWLEDGE_BYTES = 65_536

const NO_WRITER: FrameWriter = () => {}

function endsConnection(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start >= HEADER_BYTES + 4 && readU32(bytes, start + HEADER_BYTES) !== ErrorCode.CONNECTION_CLOSE
}

/** What tells the end of a session from the loss of a connection. */
function closedInOrder(): RpcError {
  return new RpcError('UNAVAILABLE', 'the connection was closed', { reason: 'connection_closed' })
}
