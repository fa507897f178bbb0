import type { Observable } from 'rxjs'
import type { RpcError } from '../../../core/index.js'
import type { Socket } from '../../../transport/index.js'

/**
 * What outlives a network connection, as the engine sees it: the engine writes and reads one {@link SessionSocket}, and
 * what is lost below it is sent again. While no network connection carries it, `send` keeps frames of streams, drops
 * those of the connection, and gives false.
 */
export interface Session {
  /** Emits each time that the session goes on over another network connection. */
  readonly resumed: Observable<void>
  /** Gives the network connection up, so that the session goes on over another. False when it cannot. */
  abandon(why: RpcError): boolean
  /** The peer drains: a loss from now on is final if it would not take the session up again. */
  peerDrains(): void
  /** Why no new call can be taken on, if so: too much is retained, or the loss has lasted too long. */
  refusal(): RpcError | undefined
}

/** A session of a client. */
export interface ClientSession extends Session {
  /** Begins it: gives the token for the SETUP frame, which is to be sent next. */
  begin(): Uint8Array
}

/** A session of a server, or what may become one with the first frame. */
export interface ServerSession extends Session {
  /** Begins it. Throws ALREADY_EXISTS (reason `session_exists`). */
  begin(token: Uint8Array): void
  /**
   * Hands the network connection on to the session that a RESUME frame names; nothing is left here then.
   * Throws UNAVAILABLE (reason `resume_rejected`) with what stands against it.
   */
  resume(bytes: Uint8Array, start: number, end: number): void
}

/** A socket that may outlive its network connection: `session` is absent on those that do not. */
export interface SessionSocket<S extends Session = Session> extends Socket {
  /** The session, or what may become one. */
  readonly session?: S
}

/** The reasons for which a session ends that is not resumed. */
export type ResumeEnd = 'resume_rejected' | 'resume_expired' | 'resume_overflow'
