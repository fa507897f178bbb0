import type { Socket as NodeSocket } from 'node:net'
import { isIP } from 'node:net'
import { connect, type ConnectionOptions, type PeerCertificate, type TLSSocket } from 'node:tls'
import * as E from 'fp-ts/lib/Either.js'
import { map, Observable, Subscription, switchMap, take, throwIfEmpty } from 'rxjs'
import type { RpcError } from '../core/index.js'
import { explainErrno } from './explain-errno.js'
import type { ExplainEnd, OpenSocket } from './net-socket.js'
import type { Credentials } from './tls-identity.js'
import { tlsProblem, type TlsProblemSite } from './tls-problem.js'
import type { TlsSettings } from './tls-settings.js'
import { noIdentity, tlsFailed, type TlsProblem } from './transport-errors.js'

/** A server to connect to. */
export interface TlsServerName {
  /** Its address, for messages. */
  readonly address: string
  /** Its host, which its certificate must name unless the settings name another. */
  readonly host: string
  /** Protocol that is offered by ALPN. */
  readonly alpn: string
}

/** Emits the options of one connection to a server, with what the identity is now; fails with `invalid_identity`. */
export function tlsConnectOptions(
  settings: TlsSettings,
  { host, alpn }: TlsServerName,
): Observable<ConnectionOptions & { readonly host: string }> {
  const name = settings.serverName ?? host
  return currentCredentials(settings).pipe(
    map(({ context }) => ({
      host: name, // what the certificate is checked against
      ...(isIP(name) === 0 && { servername: name }), // an address cannot be asked for
      secureContext: context,
      ALPNProtocols: [alpn],
      rejectUnauthorized: true,
    })),
  )
}

/** What an error of a connection to a server means when TLS has a part in it: reason `tls_failed`. */
export function tlsClientFailure(
  { address, alpn }: TlsServerName,
  error: NodeJS.ErrnoException,
  site: Partial<TlsProblemSite> = {},
): RpcError | undefined {
  const problem = tlsProblem(error, { alpn, ...site, role: 'client' })
  return problem && tlsFailed(address, problem, { cause: error })
}

/**
 * Shakes hands over an open connection, as a client. Emits what carries bytes from then on and completes; fails with
 * UNAVAILABLE (reason `tls_failed`) or INVALID_ARGUMENT (reason `invalid_identity`). Unsubscribing before that
 * destroys the connection.
 */
export function shakeHands(raw: NodeSocket, settings: TlsSettings, server: TlsServerName): Observable<OpenSocket> {
  return tlsConnectOptions(settings, server).pipe(
    switchMap(
      options =>
        new Observable<OpenSocket>(subscriber => {
          const socket = connect({ ...options, socket: raw })
          const failed = (error: NodeJS.ErrnoException): void => {
            const failure = tlsClientFailure(server, error, { certificate, minVersion: settings.minVersion })
            subscriber.error(failure ?? tlsFailed(server.address, brokenOff(error), { cause: error }))
          }
          let certificate: PeerCertificate | undefined
          // Before Node's own listener, which destroys the socket when it refuses the certificate.
          socket.prependOnceListener('secure', () => (certificate = socket.getPeerCertificate()))
          const refusal = watchRefusal(socket, settings, server)
          const giveUp = new Subscription(() => socket.destroy())
          subscriber.add(giveUp)
          socket.on('error', failed)
          socket.once('secureConnect', () => {
            subscriber.remove(giveUp)
            socket.off('error', failed).pause()
            subscriber.next({ socket, explainEnd: refusal })
            subscriber.complete()
          })
        }),
    ),
  )
}

/**
 * TLS 1.3 lets a client begin before the server has looked at the client's certificate, so a refusal comes over a
 * connection that is open. A server that has accepted the client sends a ticket for the next session, or a frame.
 */
function watchRefusal(socket: TLSSocket, settings: TlsSettings, server: TlsServerName): ExplainEnd {
  let accepted = false
  socket.once('session', () => (accepted = true))
  return error => {
    if (accepted || socket.getProtocol() === 'TLSv1.2') return undefined
    const problem = error && tlsProblem(error, { role: 'client', alpn: server.alpn })
    if (problem?.problem.startsWith('client_certificate_')) return tlsFailed(server.address, problem, { cause: error })
    if (!settings.hasIdentity || (error !== undefined && error.code !== 'ECONNRESET')) return undefined
    // It may have read what was sent, and have left for another reason.
    return tlsFailed(server.address, MAY_BE_REFUSED, { cause: error, safe: false })
  }
}

const MAY_BE_REFUSED: TlsProblem = {
  problem: 'client_certificate_refused',
  text:
    'the server closed right after the handshake; it may not trust the certificate that this end has shown, ' +
    'which its log would tell',
}

function brokenOff(error: NodeJS.ErrnoException): TlsProblem {
  const question = 'does the other end speak TLS, and does it accept the certificate of this one?'
  return {
    problem: 'handshake_broken_off',
    text: `the connection ended during the handshake: ${explainErrno(error)}; ${question}`,
  }
}

function currentCredentials({ credentials }: TlsSettings): Observable<Credentials> {
  return credentials.pipe(
    take(1),
    throwIfEmpty(() => noIdentity('`identity` ended without one')),
    map(read => {
      if (E.isLeft(read)) throw read.left
      return read.right
    }),
  )
}
