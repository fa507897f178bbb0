import type { RpcError } from '../../../core/index.js'
import type { Socket } from '../../../transport/index.js'
import type { Carrier } from './carrier.js'
import { readResume, resumeOkFrame, resumeRefused, type ResumeRequest } from './resume-frame.js'
import type { SessionContext } from './resume-options.js'
import { ResumableSocket } from './resumable-socket.js'
import type { ServerSession } from './session.js'

/** Where the sessions of a server are found. */
export interface SessionTable {
  /** Whether sessions are resumed no more. */
  readonly stopped: boolean
  /** Enters a session. Throws ALREADY_EXISTS (reason `session_exists`). */
  add(token: Uint8Array, session: ServerResumption): void
  /** The session with this token. */
  find(token: Uint8Array): ServerResumption | undefined
  /** `session` waits for its client. */
  detached(session: ServerResumption): void
  /** `session` goes on. */
  attached(session: ServerResumption): void
  /** `session` has ended. */
  remove(session: ServerResumption): void
}

/** A server's socket that waits for its client to come again over another network connection. */
export class ServerResumption extends ResumableSocket implements ServerSession {
  private readonly table: SessionTable

  constructor(socket: Socket, table: SessionTable, context: SessionContext) {
    super(socket, context)
    this.table = table
  }

  /** The session; itself. */
  get session(): ServerSession {
    return this
  }

  begin(token: Uint8Array): void {
    this.table.add(token, this)
    this.beginSession()
    if (this.table.stopped) this.stop()
  }

  resume(bytes: Uint8Array, start: number, end: number): void {
    const { carrier } = this
    const request = readResume(bytes, start, end)
    const session = this.table.find(request.token)
    if (session === undefined) throw resumeRefused('no such session')
    if (carrier === undefined) return
    session.goOn(carrier, request)
    this.carrier = undefined
  }

  /** A client that drains may still come again. */
  override peerDrains(): void {}

  /** Survives no further loss, and ends if it waits already. */
  stop(): void {
    this.settle(this.expired('the server stops'))
  }

  /** Ends; others have waited for less time. */
  evict(): void {
    this.settle(this.expired('too many sessions wait'))
  }

  protected override onDetached(): void {
    this.table.detached(this)
  }

  protected override onReleased(): void {
    this.table.remove(this)
  }

  private goOn(carrier: Carrier, { serverPosition, clientPosition }: ResumeRequest): void {
    if (!this.resumable) throw resumeRefused('the session is resumed no more')
    // Certificates are renewed, subjects stay.
    if (carrier.peerCertificate?.subject !== this.peerCertificate?.subject)
      throw resumeRefused('the client has the certificate of another one')
    if (clientPosition > this.received)
      throw resumeRefused(`the client retains from ${clientPosition} on, ${this.received} bytes have arrived`)
    if (!this.retained.isBoundary(serverPosition))
      throw resumeRefused(`the client has ${serverPosition} bytes, what follows is not retained`)
    this.table.attached(this)
    carrier.sendFrame(resumeOkFrame(this.received))
    this.attach(carrier, serverPosition)
  }

  private expired(why: string): RpcError {
    return this.ending('resume_expired', why)
  }
}
