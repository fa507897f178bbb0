import { createServer, type AddressInfo, type Server, type Socket as NodeSocket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { createServer as createTlsServer, TLSSocket } from 'node:tls'
import { defer, switchMap, type Observable } from 'rxjs'
import {
  having,
  integer,
  MAX_TIMER_MS,
  optional,
  resolveOptions,
  systemRuntime,
  text,
  type Runtime,
} from '../core/index.js'
import { formatAddress, parseAddress, parseDialAddress } from './address.js'
import { advertisedHost } from './advertised-host.js'
import { explainErrno } from './explain-errno.js'
import { netDial, type NetDialOptions } from './net-dial.js'
import { netListen } from './net-listen.js'
import type { Ends } from './net-socket.js'
import { shakeHands } from './tls-client.js'
import { shownCertificate } from './tls-identity.js'
import { secureServer, tlsServerOptions } from './tls-server.js'
import { resolveTls, type TlsSettings } from './tls-settings.js'
import type { TlsOptions } from './tls-options.js'
import { listenFailed } from './transport-errors.js'
import type { Listener, Socket, Transport } from './transport.js'

/** What {@link tcp} is made of. */
export interface TcpOptions {
  /** Secures every connection, dialled and accepted. @default connections are not secured */
  readonly tls?: TlsOptions
  /**
   * Protocol that is agreed on by ALPN where there is `tls`; a peer that speaks ALPN and not this protocol is refused.
   * @default 'rsocket'
   */
  readonly alpn?: string
  /** Longest wait for a connection to open, the handshake of `tls` included, in ms. @default 5000 */
  readonly connectTimeoutMs?: number
  /**
   * Longest frame, sent or received, in bytes. A longer one is refused with RESOURCE_EXHAUSTED (`frame_too_large`),
   * an incoming one before its body is read.
   * @default 16_777_215, the most that the three bytes of its length can say
   */
  readonly maxFrameBytes?: number
  /** Bytes accepted and not yet taken by the system above which `send` gives false. @default 262_144 */
  readonly highWaterMarkBytes?: number
  /**
   * Frames that are written at once without waiting for the end of the turn: the peer starts on the first while the
   * rest is being made, and fewer writes would not be cheaper.
   * @default 32
   */
  readonly flushFrames?: number
  /** How long `close` waits while the peer neither takes bytes nor closes its side, in ms. @default 1000 */
  readonly closeTimeoutMs?: number
  /** Where turns and timers come from. @default systemRuntime() */
  readonly runtime?: Runtime
}

/**
 * The transport over TCP: each frame has its length before it, three bytes, big-endian.
 *
 * Addresses are `host:port`, an IPv6 host in brackets. `listen` also takes `:port` for every interface, port 0 for one
 * that the system chooses and `host:5000-5010` for the first free one of a range. A listener on every interface tells
 * an address that other machines can dial: this machine's first private IPv4 address, else its first public one.
 *
 * With `tls`, a connection whose handshake fails is none: `dial` fails with UNAVAILABLE (reason `tls_failed`), whose
 * `details.problem` names what is wrong, and a listener logs it.
 *
 * Throws INVALID_ARGUMENT (reason `invalid_options`).
 */
export function tcp(options?: TcpOptions): Transport {
  const resolved = resolveTcpOptions(options)
  return {
    name: 'tcp',
    dial: address => defer(() => dial(address, resolved)),
    listen: address => defer(() => listen(address, resolved)),
  }
}

interface ResolvedOptions extends NetDialOptions {
  readonly tls: TlsSettings | undefined
  readonly alpn: string
}

const MAX_FRAME_BYTES = 0xff_ffff

function resolveTcpOptions({ tls, ...options }: TcpOptions = {}): ResolvedOptions {
  const resolved = resolveOptions<Omit<ResolvedOptions, 'tls'>>(
    'tcp',
    {
      alpn: optional(text, 'rsocket'),
      connectTimeoutMs: optional(integer({ min: 1, max: MAX_TIMER_MS }), 5000),
      maxFrameBytes: optional(integer({ min: 1, max: MAX_FRAME_BYTES }), MAX_FRAME_BYTES),
      highWaterMarkBytes: optional(integer({ min: 1 }), 262_144),
      flushFrames: optional(integer({ min: 1 }), 32),
      closeTimeoutMs: optional(integer({ min: 1, max: MAX_TIMER_MS }), 1000),
      runtime: optional(having<Runtime>('scheduler', 'microtask', 'macrotask'), systemRuntime()),
    },
    options,
  )
  return { ...resolved, tls: tls === undefined ? undefined : resolveTls('tcp', tls) }
}

function dial(address: string, options: ResolvedOptions): Observable<Socket> {
  const { tls, alpn } = options
  const target = parseDialAddress(address)
  const { host } = target
  const secure = tls && ((socket: NodeSocket) => shakeHands(socket, tls, { address, host, alpn }))
  return netDial({ address, target, endsOf: socket => endsOf(socket, address), secure }, options)
}

function listen(address: string, options: ResolvedOptions): Observable<Listener> {
  const { tls } = options
  if (tls === undefined) {
    return listenWith(createServer({ noDelay: true, pauseOnConnect: true }), address, options)
  }
  const { alpn, runtime } = options
  return defer(() => {
    const server = createTlsServer({ ...tlsServerOptions(tls, alpn), noDelay: true, pauseOnConnect: true })
    return secureServer(server, tls, runtime).pipe(switchMap(() => listenWith(server, address, options)))
  })
}

function listenWith(server: Server, address: string, options: ResolvedOptions): Observable<Listener> {
  const { host, firstPort, lastPort } = parseAddress(address)
  let port = firstPort
  const bind = (): void => void server.listen(host === '' ? { port } : { host, port })
  return netListen(
    {
      server,
      secure: options.tls !== undefined,
      bind,
      failure: error => {
        if (error.code !== 'EADDRINUSE' || port >= lastPort) return listenFailed(address, explainErrno(error), error)
        port++
        bind()
        return undefined
      },
      addressOf: bound => {
        const { address: boundHost, port: boundPort } = bound.address() as AddressInfo
        return formatAddress(advertisedHost(boundHost, networkInterfaces()), boundPort)
      },
      endsOf: socket => endsOf(socket, 'an unknown peer'),
    },
    options,
  )
}

/** The addresses of an open connection; the system forgets them when the peer has gone already. */
function endsOf(socket: NodeSocket, remote: string): Ends {
  const { localAddress, localPort, remoteAddress, remotePort } = socket
  const peerCertificate = socket instanceof TLSSocket ? shownCertificate(socket) : undefined
  return {
    local: formatAddress(localAddress ?? 'unknown', localPort ?? 0),
    remote: remoteAddress === undefined ? remote : formatAddress(remoteAddress, remotePort ?? 0),
    ...(peerCertificate && { peerCertificate }),
  }
}
