import {
  catchError,
  concat,
  concatMap,
  defer,
  distinctUntilChanged,
  EMPTY,
  finalize,
  from,
  merge,
  type Observable,
  of,
  retry,
  startWith,
  switchMap,
  tap,
  throwError,
  timer,
} from 'rxjs'
import type { RpcError, Runtime } from '../../core/index.js'
import type { ClientLink } from './client-link.js'
import { dial } from './dial.js'
import { isFinal } from './nats-errors.js'
import type { NatsLink, NatsStatus } from './nats-link.js'
import type { ResolvedNatsOptions } from './nats-options.js'
import { ServerList } from './server-list.js'

/** Longest pause after the first failure, and after any, ms; a link that has held as long as the latter begins anew. */
const FIRST_PAUSE_MS = 100
const LAST_PAUSE_MS = 2000
/** Doublings after which a pause is the longest. */
const MAX_DOUBLINGS = 5

/**
 * The link there is, `undefined` while there is none; one is made anew, without end, when it is lost. Fails with what
 * waiting does not mend before the first link that there ever was.
 */
export function keptLink(
  options: ResolvedNatsOptions,
  tell: (status: NatsStatus) => void,
): Observable<NatsLink | undefined> {
  const { runtime } = options
  const servers = new ServerList(options.servers, runtime)
  let linkedBefore = false
  return defer(() => {
    let attempt = 1
    let failures = 0
    let heldSince = Infinity
    tell({ state: 'connecting', attempt })
    const linked = (link: ClientLink): Observable<NatsLink> => {
      linkedBefore = true
      attempt = 0
      heldSince = runtime.scheduler.now()
      servers.learn(link.server, link.cluster)
      tell({ state: 'connected', server: link.server })
      return merge(of(link), link.lost$).pipe(tap({ error: () => lost(link) }))
    }
    const lost = (link: ClientLink): void => {
      if (runtime.scheduler.now() - heldSince >= LAST_PAUSE_MS) failures = 0
      servers.learn(link.server, link.cluster)
      servers.postpone(link.server)
    }
    return dialAny(servers, options).pipe(
      switchMap(linked),
      startWith(undefined),
      catchError((error: unknown) =>
        concat(
          of(undefined),
          throwError(() => error),
        ),
      ),
      retry({
        delay: (error: RpcError) => {
          if (!linkedBefore && isFinal(error)) return throwError(() => error)
          tell({ state: 'connecting', attempt: ++attempt, error })
          return pause(++failures, runtime)
        },
      }),
      distinctUntilChanged(),
      finalize(() => tell({ state: 'disconnected' })),
    )
  })
}

/** Tries one server after the other; fails when none can be used, with what waiting does not mend if there is such. */
function dialAny(servers: ServerList, options: ResolvedNatsOptions): Observable<ClientLink> {
  return defer(() => {
    const failures: RpcError[] = []
    const dialOne = (server: (typeof servers.all)[number]): Observable<ClientLink> =>
      dial(server, options).pipe(
        catchError((error: RpcError) => {
          failures.push(error)
          servers.postpone(server.address)
          return EMPTY
        }),
      )
    return concat(
      from(servers.all).pipe(concatMap(dialOne)),
      throwError(() => failures.find(isFinal) ?? failures.at(-1)),
    )
  })
}

function pause(failures: number, runtime: Runtime): Observable<0> {
  const longest = Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * (1 << Math.min(failures - 1, MAX_DOUBLINGS)))
  return timer(longest * (1 - runtime.random() / 2), runtime.scheduler)
}
