import {
  combineLatest,
  defer,
  dematerialize,
  distinctUntilChanged,
  first,
  map,
  materialize,
  merge,
  type MonoTypeOperatorFunction,
  type Observable,
  of,
  Subject,
  switchMap,
  take,
  tap,
} from 'rxjs'
import { RpcError, retrySafely } from '../core/index.js'
import type { Instance, Registration, Registry, Snapshot } from './registry.js'

/**
 * A registry that can be taken down, for tests and simulations of outages: while `down$` last said true, watches keep
 * what they have and say that it is stale, `get` and `list` fail with UNAVAILABLE (reason `registry_unavailable`), and
 * registrations wait and say `lost` with that error. What is announced stays announced; what happened meanwhile shows when it is up again.
 *
 * `down$` gives its present state when it is subscribed, as a `BehaviorSubject` does; nothing works before that.
 */
export function interrupted(registry: Registry, down$: Observable<boolean>): Registry {
  const state$ = down$.pipe(distinctUntilChanged())
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
      defer(() => {
        const waiting = new Subject<Registration>()
        const wait = (instance: Instance): void => waiting.next({ instance, lost: unavailable(registry) })
        const registered$ = registry.register(instance$.pipe(delayedWhile(state$, wait)))
        return merge(waiting, registered$.pipe(tap({ complete: () => waiting.complete() })))
      }),
    watch: name => watchThrough(registry.watch(name), state$),
    get: name => once(registry.get(name)),
    list: () => once(registry.list()),
  }
}

/** Passes the newest item on when it is up, and says that it waits when it is down; the end does not wait. */
function delayedWhile<T>(down$: Observable<boolean>, wait: (item: T) => void): MonoTypeOperatorFunction<T> {
  const upFor = (item: T): Observable<unknown> =>
    down$.pipe(
      tap(down => {
        if (down) wait(item)
      }),
      first(down => !down),
    )
  return source$ =>
    source$.pipe(
      materialize(),
      switchMap(notification =>
        notification.kind === 'N' ? upFor(notification.value).pipe(map(() => notification)) : of(notification),
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
