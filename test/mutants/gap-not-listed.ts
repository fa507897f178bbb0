import type { LeaseStore, StoreChanges } from 'millrace/registry'
import { catchError, type Observable, retry, switchMap } from 'rxjs'
import { methodsOf, type Mutant } from './mutant.js'

/** A watch that was cut off goes on with what comes next, without showing what it has missed. */
export const gapNotListed: Mutant = {
  name: 'watch resumed without a listing',
  store: store => ({ ...methodsOf(store), changes: (prefix, after) => resumed(store, prefix, after) }),
}

function resumed(store: LeaseStore, prefix: string, after: number): Observable<StoreChanges> {
  return store.changes(prefix, after).pipe(catchError(() => fromNow(store, prefix)))
}

/** Asked as often as it takes. */
function fromNow(store: LeaseStore, prefix: string): Observable<StoreChanges> {
  return store.list(prefix).pipe(
    retry(1000),
    switchMap(({ revision }) => resumed(store, prefix, revision)),
  )
}
