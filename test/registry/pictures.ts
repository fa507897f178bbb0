import type { Registration, Snapshot } from 'millrace/registry'
import { map, type Observable } from 'rxjs'

/** Snapshots as letters: `e` no node, `o` one, `t` two; in upper case when stale. */
export function pictures(snapshot$: Observable<Snapshot>): Observable<string> {
  return snapshot$.pipe(
    map(({ services, stale }) => {
      const letter = 'eot'[services.flatMap(({ nodes }) => nodes).length] ?? '?'
      return stale ? letter.toUpperCase() : letter
    }),
  )
}

/** Registrations as letters: `r` when it is announced, `l` when it is lost. */
export function standings(registration$: Observable<Registration>): Observable<string> {
  return registration$.pipe(map(({ lost }) => (lost === undefined ? 'r' : 'l')))
}
