import { catchError, of } from 'rxjs'
import { methodsOf, type Mutant } from './mutant.js'

/** An owner takes its lease for kept until the registry says otherwise, and an answer that does not come says nothing. */
export const leaseBelieved: Mutant = {
  name: 'lease believed until told otherwise',
  store: store => ({
    ...methodsOf(store),
    hold: (lease, ttlMs) => store.hold(lease, ttlMs).pipe(catchError(() => of(undefined))),
    claim: (record, lease) => store.claim(record, lease).pipe(catchError(() => of(true))),
  }),
}
