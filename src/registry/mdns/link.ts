import {
  catchError,
  concat,
  concatMap,
  defer,
  map,
  type Observable,
  of,
  ReplaySubject,
  share,
  throwError,
  timer,
} from 'rxjs'
import { RpcError, retrySafely, type Log, type Runtime } from '../../core/index.js'
import type { PacketLink, PacketPort } from './packet.js'

/** The state of a port that is opened again when it breaks. */
export type LinkState = { readonly up: PacketLink } | { readonly down: RpcError }

const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 30_000

/**
 * Keeps one link open for all its subscribers, from the first to the last, and tells each its present state.
 * A port that fails is down, is said so in one log line, and is tried again after 0.5 s, then twice as long each time
 * up to 30 s, less up to a quarter by chance. Never fails, never completes.
 */
export function keptOpen(port: PacketPort, runtime: Runtime, log: Log): Observable<LinkState> {
  return defer(() => {
    let retryMs = FIRST_RETRY_MS
    let broken = false
    const up = (link: PacketLink): LinkState => {
      if (broken) log({ level: 'info', event: 'mdns.up', message: 'multicast works again' })
      broken = false
      retryMs = FIRST_RETRY_MS
      return { up: link }
    }
    const retry = (error: RpcError): Observable<LinkState> => {
      if (!broken) log({ level: 'warn', event: 'mdns.down', message: error.rawMessage })
      broken = true
      const waitMs = retryMs * (1 - runtime.random() / 4)
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)
      return concat(of({ down: error }), timer(waitMs, runtime.scheduler).pipe(concatMap(open)))
    }
    const open = (): Observable<LinkState> =>
      concat(port, throwError(closedByItself)).pipe(
        map(up),
        catchError((error: unknown) => retry(unavailable(error))),
      )
    return open()
  }).pipe(share({ connector: () => new ReplaySubject<LinkState>(1) }))
}

/** What failed, as an UNAVAILABLE error (reason `mdns_unavailable`) that is safe to retry. */
export function unavailable(error: unknown): RpcError {
  return RpcError.from(error, 'UNAVAILABLE', { reason: 'mdns_unavailable', retry: retrySafely })
}

function closedByItself(): RpcError {
  return unavailable('the multicast socket has closed')
}
