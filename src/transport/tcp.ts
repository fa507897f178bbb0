import { createServer, type AddressInfo, type Server, type Socket as NodeSocket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { createServer as createTlsServer } from 'node:tls'
import { defer, of, switchMap, type Observable } from 'rxjs'
import { optional, resolveOptions, text } from '../core/index.js'
import { formatAddress, parseAddress, parseDialAddress } from './address.js'
import { advertisedHost } from './advertised-host.js'
import { bindPort } from './bind-port.js'
import { ipEnds } from './ip-ends.js'
import { netDial, type NetDial, type NetDialOptions } from './net-dial.js'
import { netListen } from './net-listen.js'
import { netSocket, type NetSocketOptions } from './net-socket.js'
import { streamSocketChecks, type StreamSocketOptions } from './stream-socket-options.js'
import { shakeHands } from './tls-client.js'
import { secureServer, tlsServerOptions } from './tls-server.js'
import { resolveTls, tlsOptions, type GivenTls, type TlsSettings } from './tls-settings.js'
import type { TlsOptions } from './tls-options.js'
import type { Listener, Socket, Transport } from './transport.js'

export type { StreamSocketOptions } from './stream-socket-options.js'

/** What {@link tcp} is made of. */
export interface TcpOptions extends StreamSocketOptions {
  /** Secures every connection, dialled and accepted. @default connections are not secured */
  readonly tls?: TlsOptions
  /**
   * Protocol that is agreed on by ALPN where there is `tls`; a peer that speaks ALPN and not this protocol is refused.
   * @default 'rsocket'
   */
  readonly alpn?: string
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

interface ResolvedOptions extends NetDialOptions, NetSocketOptions {
  readonly tls: TlsSettings | undefined
  readonly alpn: string
}

function resolveTcpOptions(options: TcpOptions | undefined): ResolvedOptions {
  const { tls, ...resolved } = resolveOptions<Omit<ResolvedOptions, 'tls'> & GivenTls>(
    'tcp',
    { ...streamSocketChecks, alpn: optional(text, 'rsocket'), tls: optional(tlsOptions) },
    options,
  )
  return { ...resolved, tls: tls && resolveTls('tcp', tls) }
}

function dial(address: string, options: ResolvedOptions): Observable<Socket> {
  const { tls, alpn } = options
  const target = parseDialAddress(address)
  const { host } = target
  const secure = tls && ((socket: NodeSocket) => shakeHands(socket, tls, { address, host, alpn }))
  const carry: NetDial['carry'] = open => of(netSocket(open, ipEnds(open.socket, address), options))
  return netDial({ address, target, secure, carry }, options)
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
  return netListen(
    {
      server,
      secure: options.tls !== undefined,
      ...bindPort(server, address, parseAddress(address)),
      addressOf: bound => {
        const { address: boundHost, port: boundPort } = bound.address() as AddressInfo
        return formatAddress(advertisedHost(boundHost, networkInterfaces()), boundPort)
      },
      endsOf: socket => ipEnds(socket),
    },
    options,
  )
}
