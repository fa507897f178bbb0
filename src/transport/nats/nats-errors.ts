import { ErrorCode, type NatsError, type ServerInfo } from 'nats'
import { RpcError } from '../../core/index.js'
import { explainErrno } from '../explain-errno.js'
import { tlsClientFailure } from '../tls-client.js'
import { connectFailed, tlsFailed, type TlsProblem } from '../transport-errors.js'
import type { NatsServerAddress } from './server-list.js'

/** A server does not know us: UNAUTHENTICATED, reason `nats_unauthenticated`. */
export function unauthenticated(server: string, why: string, cause?: unknown): RpcError {
  return new RpcError('UNAUTHENTICATED', `nats-server ${server} does not let us in: ${why}; see \`auth\``, {
    reason: 'nats_unauthenticated',
    cause,
  })
}

/** A server does not let us publish or subscribe: PERMISSION_DENIED, reason `nats_permission_denied`. */
export function permissionDenied(what: string, subject: string, server: string): RpcError {
  const message = `nats-server ${server} does not let us ${what} ${subject}: it is for whoever configures it to allow`
  return new RpcError('PERMISSION_DENIED', message, { reason: 'nats_permission_denied' })
}

/** A payload is longer than the server takes: RESOURCE_EXHAUSTED, reason `message_too_large`. */
export function messageTooLarge(subject: string, bytes: number, maxBytes: number): RpcError {
  const message = `message of ${bytes} bytes to ${subject}, headers included: the server takes at most ${maxBytes}`
  return new RpcError('RESOURCE_EXHAUSTED', `${message} (max_payload)`, {
    reason: 'message_too_large',
    details: { bytes, maxBytes },
  })
}

/** What it means that no connection came about to a server which had greeted with `info`. */
export function dialFailure(
  thrown: unknown,
  { address, certificateHost: host }: NatsServerAddress,
  info: ServerInfo,
): RpcError {
  if (RpcError.is(thrown)) return thrown
  const { code, message = '', chainedError } = (thrown ?? {}) as Partial<NatsError>
  if (isAuth(code)) return unauthenticated(address, message, thrown)
  if (code === ErrorCode.ServerOptionNotAvailable && message === 'tls') return noTls(address)
  const cause = (chainedError ?? thrown ?? CLOSED) as NodeJS.ErrnoException
  const failure = tlsClientFailure({ address, host, alpn: '' }, cause)
  if (failure !== undefined) return failure
  // A client of TLS 1.3 has sent something by the time it is refused, so that the reason may be lost.
  if (info.tls_verify === true && cause.code === 'ECONNRESET') return tlsFailed(address, MAY_BE_REFUSED, { cause })
  return connectFailed(address, explainErrno(cause), thrown)
}

/** The client has no error where the server closes without one. */
const CLOSED = { message: 'the server closes the connection' }

const MAY_BE_REFUSED: TlsProblem = {
  problem: 'client_certificate_refused',
  text: 'the server reset the connection; it may not trust the certificate that this end has shown, which its log would tell',
}

/** What the end of a connection means in words, as the client library tells it. */
export function endOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return 'the server has closed it'
  return explainErrno(thrown)
}

/** Whether waiting does not mend why a server cannot be used. */
export function isFinal({ code, reason }: RpcError): boolean {
  return code === 'UNAUTHENTICATED' || code === 'INVALID_ARGUMENT' || reason === 'tls_failed'
}

function noTls(address: string): RpcError {
  return tlsFailed(address, {
    problem: 'not_tls',
    text: 'the server does not speak TLS; leave `tls` out, or set it up',
  })
}

function isAuth(code: string | undefined): boolean {
  return (
    code === ErrorCode.AuthorizationViolation ||
    code === ErrorCode.AuthenticationExpired ||
    code === ErrorCode.AccountExpired ||
    code === ErrorCode.BadAuthentication
  )
}
