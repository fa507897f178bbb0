import type { Server, TlsOptions as NodeTlsOptions } from 'node:tls'
import * as E from 'fp-ts/lib/Either.js'
import { Observable } from 'rxjs'
import { RpcError, type Log, type Runtime } from '../core/index.js'
import { watchHandshakes } from './tls-handshakes.js'
import { nameOf, type Credentials } from './tls-identity.js'
import type { TlsSettings } from './tls-settings.js'
import { noIdentity } from './transport-errors.js'

/** Options of a server of Node that speaks TLS; its certificate comes from {@link secureServer}. */
export function tlsServerOptions(settings: TlsSettings, alpn: string): NodeTlsOptions {
  const { requireClientCertificate, handshakeTimeoutMs, minVersion } = settings
  return {
    ALPNProtocols: [alpn],
    handshakeTimeout: handshakeTimeoutMs,
    minVersion,
    requestCert: requireClientCertificate,
    rejectUnauthorized: requireClientCertificate,
  }
}

/**
 * Gives a server its certificate, and each later one for the connections that follow. Emits once when the first is in
 * use; fails with INVALID_ARGUMENT (reason `invalid_identity`) when there is none, or the first cannot be used. Logs
 * clients that it refuses. Unsubscribing ends handshakes that are under way.
 */
export function secureServer(server: Server, settings: TlsSettings, runtime: Runtime): Observable<void> {
  return new Observable(subscriber => {
    if (!settings.hasIdentity) throw noIdentity('an `identity` is needed to listen')
    let inUse = false
    const { log } = settings
    const refuse = (error: RpcError): void => {
      if (!inUse) return subscriber.error(error)
      const message = `${error.rawMessage}; the one before stays`
      log({ level: 'error', event: 'tls.identity_refused', message, fields: { error } })
    }
    const use = (credentials: Credentials): void => {
      server.setSecureContext(credentials.options)
      warnOfDates(credentials, runtime.scheduler.now(), log)
      if (inUse) return
      inUse = true
      subscriber.next()
    }
    subscriber.add(watchHandshakes(server, log, runtime))
    subscriber.add(
      settings.credentials.subscribe({
        next: E.match(refuse, use),
        error: (error: unknown) => refuse(RpcError.from(error, 'INVALID_ARGUMENT', { reason: 'invalid_identity' })),
        complete: () => inUse || subscriber.error(noIdentity('`identity` ended without one')),
      }),
    )
  })
}

/** A certificate out of its time is used all the same: the clock may be the one that is wrong. */
function warnOfDates({ certificate }: Credentials, now: number, log: Log): void {
  if (certificate === undefined) return
  const { validFrom, validTo } = certificate
  const expired = Date.parse(validTo) < now
  if (!expired && Date.parse(validFrom) <= now) return
  const message = `the certificate of ${nameOf(certificate)} ${expired ? `expired on ${validTo}` : `is not valid before ${validFrom}`}`
  log({ level: 'warn', event: 'tls.identity_outdated', message, fields: { validFrom, validTo } })
}
