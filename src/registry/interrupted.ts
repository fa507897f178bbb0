import {
  combineLatest,
  connect,
  defer,
  dematerialize,
  distinctUntilChanged,
  filter,
  map,
  materialize,
  merge,
  type MonoTypeOperatorFunction,
  type Observable,
  of,
  switchMap,
  take,
  tap,
  withLatestFrom,
} from 'rxjs'
import { RpcError, retrySafely } from '../core/index.js'
import type { Registry, Snapshot } from './registry.js'

/**
 * A registry that can be taken down, for tests and simulations of outages: while `down$` last said true, watches keep
 * what they have and say that it is stale, `get` and `list` fail with UNAVAILABLE (reason `registry_unavailable`), and
 * registrations wait and say `lost` with that error. What is announced stays announced; what happened meanwhile shows when it is up again.
 *
 * `down$` gives its present state when it is subscribed, as a `BehaviorSubject` does; nothing works before that.
 */
export function interrupted(registry: Registry, down$: Observable<boolean>): Registry {
  const state$ = down$.pipe(distinctUntilChanged())
  const up$ = state$.pipe(filter(down => !down))
  const once = <T>(answer$: Observable<T>): Observable<T> =>
    state$.pipe(
      take(1),
      switchMap(down => {
        if (down) throw unavailable(registry)
        return answer$
      }),
    )
  return {
    name: registry.name,
    register: instance$ =>
      instance$.pipe(
        connect(shared$ =>
          merge(
            registry.register(shared$.pipe(delayedUntil(up$))),
            shared$.pipe(
              withLatestFrom(state$),
              filter(([, down]) => down),
              map(([instance]) => ({ instance, lost: unavailable(registry) })),
            ),
          ),
        ),
      ),
    watch: name => watchThrough(registry.watch(name), state$),
    get: name => once(registry.get(name)),
    list: () => once(registry.list()),
  }
}

/** Passes the newest item on when `ready$` emits; the end does not wait. */
function delayedUntil<T>(ready$: Observable<unknown>): MonoTypeOperatorFunction<T> {
  return source$ =>
    source$.pipe(
      materialize(),
      switchMap(notification =>
        notification.kind === 'N'
          ? ready$.pipe(
              take(1),
              map(() => notification),
            )
          : of(notification),
      ),
      dematerialize(),
    )
}

const NOTHING_KNOWN: Snapshot = Object.freeze({ services: Object.freeze([]), asOf: -Infinity, stale: true })

function watchThrough(snapshot$: Observable<Snapshot>, down$: Observable<boolean>): Observable<Snapshot> {
  return defer(() => {
    let last = NOTHING_KNOWN
    return combineLatest([down$, snapshot$]).pipe(
      map(([down, snapshot]) => (!down ? snapshot : last.stale ? last : { ...last, stale: true })),
      tap(snapshot => (last = snapshot)),
      distinctUntilChanged(),
    )
  })
}

function unavailable({ name }: Registry): RpcError {
  return new RpcError('UNAVAILABLE', `registry ${name} is down`, {
    reason: 'registry_unavailable',
    retry: retrySafely,
  })
}
