import type { Socket as NodeSocket } from 'node:net'
import type { Server, TLSSocket } from 'node:tls'
import type { Log, Runtime } from '../core/index.js'
import { formatAddress } from './address.js'
import { tlsProblem } from './tls-problem.js'

/** Most often that a refused client is logged; anybody who can connect can be one. */
const LOG_EVERY_MS = 1000

/**
 * Logs the clients that a server refuses (`tls.refused`), and destroys them, which Node leaves to us. What it gives
 * destroys those that are still shaking hands.
 */
export function watchHandshakes(server: Server, log: Log, { scheduler }: Runtime): () => void {
  const pending = new Map<string, NodeSocket>()
  let quietUntil = -Infinity
  let untold = 0
  const begun = (raw: NodeSocket): void => void pending.set(remoteOf(raw), raw)
  const ended = (socket: TLSSocket): string => {
    const remote = socket.remoteAddress === undefined ? destroyedOf(pending) : remoteOf(socket)
    pending.delete(remote)
    return remote
  }
  const failed = (error: NodeJS.ErrnoException, socket: TLSSocket): void => {
    const remote = ended(socket)
    socket.destroy()
    const refusal: unknown = socket.authorizationError // its code, whatever its type says
    const fault = typeof refusal === 'string' ? { code: refusal, message: refusal } : error
    const problem = tlsProblem(fault, { role: 'server' })
    // Whoever goes away by itself, a health check or a client that refuses us, knows why.
    if (problem === undefined) {
      const message = `${remote} left during the handshake`
      return log({ level: 'debug', event: 'tls.broken_off', message, fields: { remote } })
    }
    const now = scheduler.now()
    if (now < quietUntil) return void untold++
    const more = untold === 0 ? '' : `; ${untold} more since the last that was told`
    log({
      level: 'warn',
      event: 'tls.refused',
      message: `${remote} refused: ${problem.text}${more}`,
      fields: { remote, problem: problem.problem },
    })
    quietUntil = now + LOG_EVERY_MS
    untold = 0
  }
  server.on('connection', begun).on('secureConnection', ended).on('tlsClientError', failed)
  return () => {
    server.off('connection', begun)
    for (const raw of pending.values()) raw.destroy()
  }
}

function remoteOf({ remoteAddress, remotePort }: NodeSocket): string {
  return formatAddress(remoteAddress ?? 'unknown', remotePort ?? 0)
}

/** A connection that is over has lost its address by the time that its failure is told; but it is over. */
function destroyedOf(pending: ReadonlyMap<string, NodeSocket>): string {
  for (const [remote, raw] of pending) if (raw.destroyed) return remote
  return 'an unknown peer'
}
