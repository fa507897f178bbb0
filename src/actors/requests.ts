import { from, isObservable, throwError, type Observable, type ObservableInput } from 'rxjs'
import { RpcError } from '../core/index.js'
import { paced, type Pullable } from '../streams/index.js'

/**
 * What a caller gave as its requests, as an Observable: what can be pulled is, so that it waits for the peer's credit.
 * Anything that is no stream fails the call with INVALID_ARGUMENT (reason `not_a_stream`).
 */
export function requestsOf(given: unknown, endpoint: string): Observable<unknown> {
  if (isObservable(given)) return given
  if (typeof given !== 'object' || given === null) return throwError(() => notAStream(given, endpoint))
  if (Symbol.iterator in given || Symbol.asyncIterator in given || 'getReader' in given) {
    return paced(given as Pullable<unknown>)
  }
  try {
    return from(given as ObservableInput<unknown>)
  } catch {
    return throwError(() => notAStream(given, endpoint)) // from() throws its own TypeError for what is no stream
  }
}

function notAStream(given: unknown, endpoint: string): RpcError {
  const what = given === null ? 'null' : typeof given
  const message = `${endpoint} takes a stream of requests: expected an Observable or an iterable, got ${what}`
  return new RpcError('INVALID_ARGUMENT', message, { reason: 'not_a_stream' })
}
