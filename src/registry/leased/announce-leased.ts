import {
  concat,
  connect,
  defer,
  EMPTY,
  endWith,
  finalize,
  ignoreElements,
  map,
  type Observable,
  switchMap,
  takeUntil,
} from 'rxjs'
import type { Instance, Registration } from '../registry.js'
import type { LeasedContext } from './context.js'
import { keepAnnounced } from './keep-announced.js'
import { recordOf } from './leased-record.js'
import { leave, tenancyOf, type Tenancy } from './tenancy.js'

/**
 * Announces the instances of `instance$` one after the other, each in place of the one before, and takes the last one
 * back when `instance$` ends or the subscription does.
 */
export function announceLeased(
  instance$: Observable<Instance>,
  prefix: string,
  context: LeasedContext,
): Observable<Registration> {
  return defer(() => {
    let tenancy: Tenancy | undefined
    const goodbye$ = defer(() => {
      const last = tenancy
      tenancy = undefined
      return last === undefined ? EMPTY : leave(last, context)
    })
    const present = (instance: Instance): Observable<Registration> => {
      const record = recordOf(instance, prefix)
      const moved$ = tenancy === undefined || tenancy.key === record.key ? EMPTY : goodbye$
      const announced$ = defer(() => {
        tenancy ??= tenancyOf(record.key, context.runtime)
        return keepAnnounced(record, tenancy, context)
      })
      return concat(moved$, announced$).pipe(map(standing => ({ instance, ...standing })))
    }
    const registration$ = instance$.pipe(
      connect(shared$ => shared$.pipe(switchMap(present), takeUntil(shared$.pipe(ignoreElements(), endWith(true))))),
    )
    return concat(registration$, goodbye$).pipe(finalize(() => goodbye$.subscribe()))
  })
}
