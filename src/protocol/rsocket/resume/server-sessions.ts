import { RpcError } from '../../../core/index.js'
import type { Socket } from '../../../transport/index.js'
import type { SessionContext } from './resume-options.js'
import { ServerResumption, type SessionTable } from './server-resumption.js'

/** The sessions of one listener. */
export class ServerSessions implements SessionTable {
  private readonly context: SessionContext
  private readonly sessions: Map<string, ServerResumption>
  private readonly keys: Map<ServerResumption, string>
  /** Those that wait for their client, the longest first. */
  private readonly waiting: Set<ServerResumption>
  private isStopped: boolean

  constructor(context: SessionContext) {
    this.context = context
    this.sessions = new Map()
    this.keys = new Map()
    this.waiting = new Set()
    this.isStopped = false
  }

  get stopped(): boolean {
    return this.isStopped
  }

  /** What may become a session, or carry one on. */
  accept(socket: Socket): ServerResumption {
    return new ServerResumption(socket, this, this.context)
  }

  /** Resumes no session any more: those that wait end at once, others with the next loss. */
  stop(): void {
    this.isStopped = true
    for (const session of [...this.sessions.values()]) session.stop()
  }

  add(token: Uint8Array, session: ServerResumption): void {
    const key = keyOf(token)
    if (this.sessions.has(key))
      throw new RpcError('ALREADY_EXISTS', 'SETUP: a session with this token exists', { reason: 'session_exists' })
    this.sessions.set(key, session)
    this.keys.set(session, key)
  }

  find(token: Uint8Array): ServerResumption | undefined {
    return this.sessions.get(keyOf(token))
  }

  attached(session: ServerResumption): void {
    this.waiting.delete(session)
  }

  detached(session: ServerResumption): void {
    const { maxDetached, maxDetachedBytes } = this.context
    this.waiting.add(session)
    let bytes = 0
    for (const { retainedBytes } of this.waiting) bytes += retainedBytes
    for (const oldest of [...this.waiting]) {
      if (this.waiting.size <= maxDetached && bytes <= maxDetachedBytes) break
      bytes -= oldest.retainedBytes
      oldest.evict()
    }
  }

  remove(session: ServerResumption): void {
    const key = this.keys.get(session)
    if (key === undefined) return
    this.keys.delete(session)
    this.sessions.delete(key)
    this.waiting.delete(session)
  }
}

function keyOf(token: Uint8Array): string {
  let key = ''
  for (const byte of token) key += String.fromCharCode(byte)
  return key
}
