import { Socket as NodeSocket } from 'node:net'
import { connect, type ConnectionOptions, type ServerInfo, type TlsOptions } from 'nats'
import { catchError, from, map, Observable, of, switchMap, throwError, timeout } from 'rxjs'
import { MAX_TIMER_MS, type RpcError } from '../../core/index.js'
import { explainErrno } from '../explain-errno.js'
import { tlsConnectOptions } from '../tls-client.js'
import { connectFailed, tlsFailed } from '../transport-errors.js'
import { ClientLink } from './client-link.js'
import { dialFailure } from './nats-errors.js'
import { authenticatorOf, type ResolvedNatsOptions } from './nats-options.js'
import type { NatsServerAddress } from './server-list.js'

/** Longest greeting that is read, bytes; a cluster of hundreds of servers has one of some kilobytes. */
const MAX_GREETING_BYTES = 1_048_576

/**
 * Connects to one server. Emits the link and stays; unsubscribing closes it. Fails with UNAUTHENTICATED (reason
 * `nats_unauthenticated`), UNAVAILABLE (`connect_failed`, `tls_failed`) or INVALID_ARGUMENT (`invalid_identity`).
 */
export function dial(server: NatsServerAddress, options: ResolvedNatsOptions): Observable<ClientLink> {
  const { connectTimeoutMs: first, runtime } = options
  const late = (): Observable<never> => throwError(() => connectFailed(server.address, `no answer within ${first} ms`))
  return greeting(server).pipe(
    switchMap(info =>
      clientOptions(server, info, options).pipe(
        switchMap(given => connected(given, server, options)),
        catchError((error: unknown) => throwError(() => dialFailure(error, server, info))),
      ),
    ),
    timeout({ first, with: late, scheduler: runtime.scheduler }),
  )
}

/**
 * What the server says to whoever comes. The client library is let loose only on servers that greet: of one that accepts
 * connections and is silent, as a frozen one is, it gives up the wait but keeps the socket.
 */
function greeting({ address, host, port }: NatsServerAddress): Observable<ServerInfo> {
  return new Observable<string>(subscriber => {
    const socket = new NodeSocket()
    let said = ''
    socket.setEncoding('utf8')
    socket.on('data', (piece: string) => {
      said += piece
      const info = /^INFO\s+(\{.*\})\s*?\r?\n/.exec(said)?.[1]
      if (info !== undefined) {
        subscriber.next(info)
        subscriber.complete()
      } else if (said.includes('\n') || said.length > MAX_GREETING_BYTES) {
        subscriber.error(notNats(address))
      }
    })
    socket.on('error', error => subscriber.error(connectFailed(address, explainErrno(error), error)))
    socket.on('close', () => subscriber.error(connectFailed(address, 'it closes without a greeting')))
    socket.connect({ host, port })
    return () => socket.destroy()
  }).pipe(map(info => readInfo(info, address)))
}

function readInfo(info: string, address: string): ServerInfo {
  try {
    return JSON.parse(info) as ServerInfo
  } catch (error) {
    throw notNats(address, error)
  }
}

function notNats(address: string, cause?: unknown): RpcError {
  return connectFailed(address, 'what answers there is no nats-server', cause)
}

function clientOptions(
  { address, certificateHost: host }: NatsServerAddress,
  info: ServerInfo,
  { tls, demandsTls, auth, ...options }: ResolvedNatsOptions,
): Observable<ConnectionOptions> {
  const authenticator = authenticatorOf(auth)
  const given: ConnectionOptions = {
    servers: address,
    name: options.name,
    // When it gives up it keeps its socket; an attempt that takes too long is closed when it has come about.
    timeout: MAX_TIMER_MS,
    // What its own would lose, and how long it would try, is not for us: whoever has the link decides.
    reconnect: false,
    pingInterval: MAX_TIMER_MS,
    noAsyncTraces: true,
    ...(authenticator && { authenticator }),
    ...(auth && 'user' in auth && { user: auth.user, pass: auth.password }),
    ...(auth && 'token' in auth && { token: auth.token }),
  }
  if (!demandsTls && info.tls_required !== true && info.tls_available !== true) return of(given)
  if (info.tls_verify === true && !tls.hasIdentity) return throwError(() => asksCertificate(address))
  return tlsConnectOptions(tls, { address, host, alpn: '' }).pipe(
    // The library passes them on to Node as they are; by itself it would have an address pass for `localhost`.
    map(secure => ({ ...given, tls: { ...secure, ALPNProtocols: undefined } as TlsOptions })),
  )
}

function connected(
  given: ConnectionOptions,
  { address }: NatsServerAddress,
  options: ResolvedNatsOptions,
): Observable<ClientLink> {
  return new Observable(subscriber => {
    // It cannot be called off: what comes of it is closed when nobody waits any more.
    from(connect(given)).subscribe({
      next: client => {
        const link = new ClientLink(client, address, options)
        subscriber.add(() => link.close())
        subscriber.next(link)
      },
      error: (error: unknown) => subscriber.error(error),
    })
  })
}

function asksCertificate(address: string): RpcError {
  return tlsFailed(address, {
    problem: 'client_certificate_missing',
    text: 'the server demands a client certificate; give one as `identity`',
  })
}
