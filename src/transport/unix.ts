import { chmodSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defer, of, switchMap, type Observable } from 'rxjs'
import { integer, optional, resolveOptions, type Runtime } from '../core/index.js'
import type { Ends } from './ends.js'
import { explainErrno } from './explain-errno.js'
import { netDial, type NetDialOptions } from './net-dial.js'
import { netListen } from './net-listen.js'
import { netSocket, type NetSocketOptions } from './net-socket.js'
import { socketPath } from './socket-path.js'
import { removeStaleSocket } from './stale-socket.js'
import { streamSocketChecks, type StreamSocketOptions } from './stream-socket-options.js'
import { listenFailed } from './transport-errors.js'
import type { Listener, Socket, Transport } from './transport.js'

export type { StreamSocketOptions } from './stream-socket-options.js'

/** What {@link unix} is made of. */
export interface UnixOptions extends StreamSocketOptions {
  /**
   * Permissions of the socket file: who may write it may connect. They are set just after it is made; what must be
   * secret in that moment, too, is in a folder that others cannot enter.
   * @default 0o600, this user alone
   */
  readonly mode?: number
}

/**
 * The transport over Unix domain sockets, within one machine: each frame has its length before it, three bytes,
 * big-endian.
 *
 * Addresses are absolute paths, of at most 107 bytes (103 outside Linux). `listen(':0')` chooses a new one in the folder
 * for temporary files. The file is removed when the listener goes; one that a killed process has left is taken over, one
 * that somebody listens on, or that is no socket, fails with UNAVAILABLE (reason `listen_failed`).
 *
 * Throws INVALID_ARGUMENT (reason `invalid_options`).
 */
export function unix(options?: UnixOptions): Transport {
  const resolved = resolveUnixOptions(options)
  return {
    name: 'unix',
    dial: address => defer(() => dial(address, resolved)),
    listen: address => defer(() => listen(address, resolved)),
  }
}

interface ResolvedOptions extends NetDialOptions, NetSocketOptions {
  readonly mode: number
}

/** What leaves the choice of an address to any transport. */
const CHOOSE = ':0'

function resolveUnixOptions(options: UnixOptions | undefined): ResolvedOptions {
  return resolveOptions<ResolvedOptions>(
    'unix',
    { ...streamSocketChecks, mode: optional(integer({ min: 0, max: 0o777 }), 0o600) },
    options,
  )
}

function dial(address: string, options: ResolvedOptions): Observable<Socket> {
  const path = socketPath(address)
  const ends: Ends = { local: clientOf(path), remote: path }
  return netDial({ address, target: { path }, carry: open => of(netSocket(open, ends, options)) }, options)
}

function listen(address: string, options: ResolvedOptions): Observable<Listener> {
  const path = socketPath(address === CHOOSE ? freshPath(options.runtime) : address)
  const server = createServer({ pauseOnConnect: true })
  const ends: Ends = { local: path, remote: clientOf(path) }
  const bind = (): void => {
    server.listen({ path })
    if (server.listening) chmodSync(path, options.mode)
  }
  const failure = (error: NodeJS.ErrnoException): Error => listenFailed(path, explainErrno(error), error)
  const place = { server, bind, failure, addressOf: () => path, endsOf: () => ends }
  return removeStaleSocket(path).pipe(switchMap(() => netListen(place, options)))
}

function freshPath(runtime: Runtime): string {
  return join(tmpdir(), `millrace-${runtime.id()}.sock`)
}

/** The end of a client has no path of its own. */
function clientOf(path: string): string {
  return `a client of ${path}`
}
