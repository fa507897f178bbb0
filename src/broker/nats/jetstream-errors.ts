import { RpcError, retrySafely } from '../../core/index.js'
import type { NatsLink } from '../../transport/nats/index.js'

/** The error in an answer of JetStream, as it sends it. */
export interface JetStreamFault {
  /** Like a status of HTTP. */
  readonly code: number
  /** Which error it is, of the list in the server's source; 0 when it does not say. */
  readonly errCode: number
  /** The same in words. */
  readonly description: string
}

/** Codes of JetStream that mean more than their status does (server/errors.json of nats-server). */
const CONSUMER_NOT_FOUND = 10_014
const STREAM_NOT_FOUND = 10_059
const MESSAGE_NOT_FOUND = 10_037
const SEQUENCE_NOT_FOUND = 10_043
const NOT_ENABLED = new Set([10_039, 10_076])
const NO_ROOM = new Set([10_023, 10_028, 10_047])
const TOO_LARGE = 10_054
const STORE_FAILED = 10_077
const WRONG_LAST_SEQUENCE = 10_071

/** Whether an error says that a stream, a consumer or a message is not there. */
export function isMissing(error: RpcError): boolean {
  return error.code === 'NOT_FOUND'
}

/** What a fault means, as an error of ours; `what` says what was being done. */
export function jetStreamError(what: string, { code, errCode, description }: JetStreamFault): RpcError {
  const message = `${what}: ${description} (JetStream error ${errCode || code})`
  if (errCode === STREAM_NOT_FOUND || errCode === CONSUMER_NOT_FOUND) return notFound(message)
  if (errCode === MESSAGE_NOT_FOUND || errCode === SEQUENCE_NOT_FOUND) return notFound(message)
  if (NOT_ENABLED.has(errCode)) return noJetStream(message)
  if (errCode === TOO_LARGE) return new RpcError('RESOURCE_EXHAUSTED', message, { reason: 'message_too_large' })
  if (NO_ROOM.has(errCode) || (errCode === STORE_FAILED && /maximum/.test(description))) {
    return new RpcError('RESOURCE_EXHAUSTED', message, { reason: 'log_full' })
  }
  if (errCode === WRONG_LAST_SEQUENCE) return new RpcError('ABORTED', message, { reason: 'log_moved_on' })
  if (code >= 500 || code === 408) return new RpcError('UNAVAILABLE', message, { reason: 'broker_unavailable' })
  if (code === 404) return notFound(message)
  return new RpcError('FAILED_PRECONDITION', message, { reason: 'jetstream_refused' })
}

/** The error of a server without JetStream. */
export function noJetStream(message: string): RpcError {
  return new RpcError('FAILED_PRECONDITION', `${message}; start nats-server with JetStream (-js)`, {
    reason: 'no_jetstream',
  })
}

/** The error of a question that nobody is there to answer. */
export function noResponders(subject: string, { server, hasJetStream }: NatsLink): RpcError {
  if (!hasJetStream) return noJetStream(`nats-server ${server} has no JetStream`)
  // A cluster that elects a leader has nobody who listens, for a moment.
  const message = `nats-server ${server}: nobody answers ${subject}`
  return new RpcError('UNAVAILABLE', message, { reason: 'broker_unavailable', retry: retrySafely })
}

/** The error of a question that was not answered in time. */
export function noAnswer(subject: string, { server }: NatsLink, ms: number): RpcError {
  const message = `nats-server ${server} has not answered ${subject} within ${ms} ms`
  return new RpcError('UNAVAILABLE', message, { reason: 'broker_unavailable' })
}

/** The error of a link that is not there, or has ended; safe to retry when nothing had been sent. */
export function unreachable(cause: RpcError | undefined, isUnsent: boolean): RpcError {
  const message = cause?.rawMessage ?? 'there is no connection to a nats-server'
  return new RpcError('UNAVAILABLE', message, {
    reason: 'broker_unavailable',
    cause,
    ...(isUnsent && { retry: retrySafely }),
  })
}

/** The error of something that is there already, and set up in another way. */
export function settingsDiffer(what: string, differences: readonly string[]): RpcError {
  const message = `${what} has other settings: ${differences.join('; ')}; nothing was changed`
  return new RpcError('FAILED_PRECONDITION', message, { reason: 'settings_differ', details: differences })
}

function notFound(message: string): RpcError {
  return new RpcError('NOT_FOUND', message, { reason: 'not_there' })
}
