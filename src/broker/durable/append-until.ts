import { retry, throwError, type Observable } from 'rxjs'
import { RpcError, retrySafely, type Runtime } from '../../core/index.js'
import type { Appended, LogRecord, MessageLog } from './message-log.js'
import { retryPause } from './retry-pause.js'

/** How long, and on whose time, a record is offered. */
export interface AppendOptions {
  /** Time after which no new attempt is made, ms. */
  readonly timeoutMs: number
  /** Time and chance. */
  readonly runtime: Runtime
}

/**
 * Offers a record to a log until the log has it: an attempt that fails with UNAVAILABLE is made again, with the same id,
 * so that the log takes it once. Other errors are passed on.
 *
 * When no attempt has succeeded within `timeoutMs` it fails: with UNAVAILABLE (reason `not_connected`, safe to retry) when
 * nothing was ever sent, otherwise with DEADLINE_EXCEEDED (reason `not_confirmed`): the log may have the record, and
 * publishing it again is safe with the same id.
 */
export function appendUntil(
  log: MessageLog,
  record: LogRecord,
  { timeoutMs, runtime }: AppendOptions,
): Observable<Appended> {
  const { scheduler } = runtime
  const startedAt = scheduler.now()
  let mayBeThere = false
  const again = (thrown: unknown, failures: number): Observable<unknown> => {
    const error = RpcError.from(thrown)
    if (error.code !== 'UNAVAILABLE') return throwError(() => error)
    mayBeThere ||= !error.retry.safe
    if (scheduler.now() - startedAt < timeoutMs) return retryPause(failures, runtime)
    return throwError(() => (mayBeThere ? mayBePublished(record, timeoutMs, error) : notPublished(record, error)))
  }
  return log.append(record).pipe(retry({ delay: again }))
}

function mayBePublished({ topic, id }: LogRecord, timeoutMs: number, cause: RpcError): RpcError {
  const message =
    `publish to ${topic}: no answer within ${timeoutMs} ms; the broker may have message ${id}, ` +
    `publish it with that id again to be sure (${cause.rawMessage})`
  return new RpcError('DEADLINE_EXCEEDED', message, { reason: 'not_confirmed', cause })
}

function notPublished({ topic }: LogRecord, cause: RpcError): RpcError {
  const message = `publish to ${topic}: the broker cannot be reached, nothing was sent (${cause.rawMessage})`
  return new RpcError('UNAVAILABLE', message, { reason: 'not_connected', retry: retrySafely, cause })
}
