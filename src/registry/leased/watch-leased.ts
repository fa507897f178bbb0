import {
  catchError,
  defer,
  distinctUntilChanged,
  EMPTY,
  map,
  merge,
  type Observable,
  of,
  repeat,
  switchMap,
  tap,
  timer,
} from 'rxjs'
import { RpcError, retrySafely } from '../../core/index.js'
import type { StoreChanges, StoreRecord } from '../lease-store.js'
import type { Instance, Snapshot } from '../registry.js'
import { backoff, LAST_RETRY_MS, type LeasedContext } from './context.js'
import { recordView, type RecordView } from './record-view.js'

/** Time for those to come back whom an outage took from the store: the longest pause before they try, and the try, ms. */
const RETURN_MS = LAST_RETRY_MS + 500

/**
 * What is under a prefix, now and whenever it changes. It lists, and then follows the changes after the listing's
 * revision. Whatever goes wrong (an error, silence, changes that the store has forgotten, a store that starts anew)
 * ends the same way: the picture is stale, and it lists again and shows the difference. Who is missing then is shown for
 * another 3.5 s: a store that was away has often forgotten those who are just about to come back, and who is really gone
 * refuses connections.
 */
export function watchLeased(
  prefix: string,
  read: (record: StoreRecord) => Instance | undefined,
  context: LeasedContext,
): Observable<Snapshot> {
  const { store, runtime, log } = context
  return defer(() => {
    const view = recordView(read)
    let failures = 0
    let asOf = -Infinity
    const snapshot = (stale: boolean): Snapshot => ({ services: view.listing().all, asOf, stale })
    const confirmed = (): Snapshot => {
      if (failures > 0) log({ level: 'info', event: 'registry.up', message: `${store.name} answers again` })
      failures = 0
      asOf = runtime.scheduler.now()
      return snapshot(false)
    }
    const failed = (thrown: unknown): Observable<Snapshot> => {
      failures++
      const error = RpcError.from(thrown, 'UNAVAILABLE')
      if (failures === 1) log({ level: 'warn', event: 'registry.down', message: error.message, fields: { error } })
      return of(snapshot(true))
    }
    return defer(() => store.list(prefix)).pipe(
      switchMap(listing => {
        const returned$ = view.reset(listing) ? timer(RETURN_MS, runtime.scheduler) : EMPTY
        return merge(
          of(undefined),
          following(view, store.changes(prefix, listing.revision)),
          returned$.pipe(tap(() => view.dropMissing())),
        )
      }),
      map(confirmed),
      catchError(failed),
      repeat({ delay: () => backoff(failures, runtime) }),
      distinctUntilChanged((last, next) => last.services === next.services && last.stale === next.stale),
    )
  })
}

/** Applies changes to a view. A store that goes back has lost what it knew, as one whose data was wiped. */
function following(view: RecordView, changes$: Observable<StoreChanges>): Observable<void> {
  return changes$.pipe(
    map(changes => {
      if (changes.revision < view.revision) throw wentBack(view.revision, changes.revision)
      view.apply(changes)
    }),
  )
}

function wentBack(from: number, to: number): RpcError {
  return new RpcError('DATA_LOSS', `the store went back from revision ${from} to ${to}`, {
    reason: 'registry_unavailable',
    retry: retrySafely,
  })
}
