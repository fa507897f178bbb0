import { Subscription, type Observable } from 'rxjs'
import { RpcError } from '../../../core/index.js'
import type { Frame, Socket } from '../../../transport/index.js'
import { readError } from '../error-frame.js'
import { ErrorCode, Flag, FrameType, HEADER_BYTES, readU16, readU32 } from '../frame.js'
import { Carrier } from './carrier.js'
import { connectionErrorFrame, hasPosition, readPosition, resumeFrame } from './resume-frame.js'
import type { SessionContext } from './resume-options.js'
import { ResumableSocket } from './resumable-socket.js'
import type { ClientSession } from './session.js'

/**
 * A client's socket that dials again when its network connection is lost, at once and then ever more seldom, and asks the
 * server to go on with the session.
 *
 * Frames of streams wait until the server is known to have the session: one round trip, once. Before it, a server that
 * does not know the token has not seen any of them, so the session begins anew with another SETUP; afterwards it has
 * lost them, and the session ends.
 */
export class ClientResumption extends ResumableSocket implements ClientSession {
  private readonly dial: Observable<Socket>
  private token: Uint8Array
  private setup: Uint8Array
  private beginsAnew: boolean
  /** How long to wait before the next attempt, at most, ms. */
  private retryMs: number
  private attachedAt: number
  private candidate: Carrier | undefined
  private dialing: Subscription
  private waiting: Subscription | undefined

  constructor(socket: Socket, dial: Observable<Socket>, context: SessionContext) {
    super(socket, context)
    this.dial = dial
    this.token = NO_BYTES
    this.setup = NO_BYTES
    this.beginsAnew = false
    this.retryMs = 0
    this.attachedAt = context.runtime.scheduler.now()
    this.candidate = undefined
    this.dialing = Subscription.EMPTY
    this.waiting = undefined
  }

  /** The session; itself. */
  get session(): ClientSession {
    return this
  }

  begin(): Uint8Array {
    this.token = this.newToken()
    this.confirmed = false
    this.beginSession()
    return this.token
  }

  /** A server that drains listens no more. */
  override peerDrains(): void {
    this.settle(this.ending('resume_rejected', 'the server drains'))
  }

  override onLost(error: RpcError | undefined): void {
    // A server that refuses this end's certificate has no session, and has read nothing.
    if (!this.confirmed && error?.reason === 'tls_failed') this.finish(error)
    else super.onLost(error)
  }

  protected override onDetached(): void {
    // Whoever is cut off again and again must not dial in a loop.
    if (this.context.runtime.scheduler.now() - this.attachedAt >= STEADY_MS) this.retryMs = 0
    this.retry()
  }

  protected override onReleased(): void {
    this.stopDialing()
  }

  protected override onControlSent(type: number, frame: Uint8Array, start: number, length: number): void {
    if (type === FrameType.SETUP) this.setup = frame.slice(start, start + length)
  }

  private retry(): void {
    const { runtime } = this.context
    this.stopDialing()
    const delayMs = this.retryMs * (0.5 + runtime.random() / 2)
    this.retryMs = Math.min(MAX_RETRY_MS, Math.max(FIRST_RETRY_MS, 2 * this.retryMs))
    this.waiting = runtime.scheduler.schedule(() => this.redial(), delayMs)
  }

  private redial(): void {
    const dialing = new Subscription()
    this.dialing = dialing
    dialing.add(
      this.dial.subscribe({
        next: socket => this.opened(socket, dialing),
        error: (error: unknown) => this.dialEnded(dialing, RpcError.from(error, 'UNAVAILABLE')),
        complete: () => this.dialEnded(dialing, undefined),
      }),
    )
  }

  private dialEnded(dialing: Subscription, error: RpcError | undefined): void {
    if (this.dialing !== dialing || this.candidate !== undefined) return // an open connection tells its end itself
    // Without a session there is nothing to resume, and nothing that was sent.
    if (!this.confirmed && error !== undefined) this.finish(error)
    else this.retry()
  }

  private opened(socket: Socket, dialing: Subscription): void {
    const carrier: Carrier = new Carrier(socket, {
      onFrame: frame => this.onAnswer(carrier, frame),
      onWritable() {},
      onLost: () => this.retry(),
    })
    carrier.add(dialing)
    this.candidate = carrier
    if (this.beginsAnew) {
      this.beginAnew(carrier)
      carrier.start()
      return
    }
    const { token, retained } = this
    carrier.sendFrame(resumeFrame({ token, serverPosition: this.received, clientPosition: retained.first }))
    this.waiting = this.context.runtime.scheduler.schedule(() => this.retry(), this.context.answerTimeoutMs)
    carrier.start()
  }

  private beginAnew(carrier: Carrier): void {
    this.beginsAnew = false
    this.token = this.newToken()
    this.setup.set(this.token, TOKEN_AT)
    carrier.sendFrame(this.setup)
    this.goOn(carrier, 0)
    this.acknowledge(Flag.RESPOND)
  }

  private onAnswer(carrier: Carrier, { bytes, start, end }: Frame): void {
    const isHeader = end - start >= HEADER_BYTES && readU32(bytes, start) === 0
    const type = isHeader ? readU16(bytes, start + 4) >>> 10 : -1
    if (type === FrameType.RESUME_OK && hasPosition(start, end)) {
      const position = readPosition(bytes, start + HEADER_BYTES)
      if (this.retained.isBoundary(position)) {
        this.confirmed = true
        this.goOn(carrier, position)
      } else this.protest(carrier, `the server says that it has received ${position} bytes`)
    } else if (type === FrameType.ERROR && end - start >= HEADER_BYTES + 4) {
      const at = start + HEADER_BYTES
      this.onRefused(readError(readU32(bytes, at), bytes, at + 4, end))
    } else this.protest(carrier, 'the server did not answer RESUME with RESUME_OK')
  }

  private onRefused(cause: RpcError): void {
    if (this.confirmed) this.finish(this.ending('resume_rejected', cause.rawMessage, cause))
    else {
      this.beginsAnew = true
      this.retry()
    }
  }

  private protest(carrier: Carrier, what: string): void {
    const error = this.ending('resume_rejected', what)
    carrier.sendFrame(connectionErrorFrame(ErrorCode.CONNECTION_ERROR, error))
    carrier.dismiss() // not at once, so that the server reads it
    this.candidate = undefined
    this.dialing = Subscription.EMPTY
    this.finish(error)
  }

  private goOn(carrier: Carrier, position: number): void {
    this.waiting?.unsubscribe()
    this.candidate = undefined
    this.dialing = Subscription.EMPTY
    this.attachedAt = this.context.runtime.scheduler.now()
    this.attach(carrier, position)
  }

  private stopDialing(): void {
    const { candidate, dialing } = this
    this.waiting?.unsubscribe()
    this.candidate = undefined
    this.dialing = Subscription.EMPTY
    candidate?.abort()
    dialing.unsubscribe()
  }

  private newToken(): Uint8Array {
    const { runtime } = this.context
    const digits = runtime.id() + runtime.id()
    return Uint8Array.from({ length: digits.length / 2 }, (_, index) =>
      parseInt(digits.slice(2 * index, 2 * index + 2), 16),
    )
  }
}

const NO_BYTES = new Uint8Array(0)
/** Where the token stands in a SETUP frame: after the header, version, two times and its length. */
const TOKEN_AT = HEADER_BYTES + 14
/** The first retry is at once, the second about this much later; then twice as long each time. */
const FIRST_RETRY_MS = 100
const MAX_RETRY_MS = 5000
/** A connection that held for so long was no failed attempt. */
const STEADY_MS = 1000
