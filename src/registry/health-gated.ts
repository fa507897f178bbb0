import {
  concat,
  distinctUntilChanged,
  endWith,
  ignoreElements,
  NEVER,
  Observable,
  ReplaySubject,
  Subscriber,
  switchMap,
  takeUntil,
} from 'rxjs'
import type { Instance, Registration, Registry } from './registry.js'

/**
 * A registry that announces only while `healthy$` last said true.
 *
 * Nothing is announced before its first value. On `false` the node says goodbye, on `true` the newest instance is
 * announced again, which `register` emits again. When `healthy$` completes its last value holds; when it fails,
 * `register` fails with its error. Watches, `get` and `list` are those of `registry`.
 */
export function healthGated(registry: Registry, healthy$: Observable<boolean>): Registry {
  const gated = (instance$: Observable<Instance>): Observable<Registration> => {
    const ended$ = instance$.pipe(ignoreElements(), endWith(true))
    return concat(healthy$, NEVER).pipe(
      distinctUntilChanged(),
      takeUntil(ended$), // what is announced then ends by itself, when its goodbye is acknowledged
      switchMap(healthy => (healthy ? registry.register(instance$) : NEVER.pipe(takeUntil(ended$)))),
    )
  }
  return {
    name: registry.name,
    register: instance$ =>
      new Observable(subscriber => {
        const newest = new ReplaySubject<Instance>(1)
        gated(newest).subscribe(subscriber)
        // Added first: a source that emits while it is being subscribed can be stopped.
        const source = new Subscriber<Instance>(newest)
        subscriber.add(source)
        instance$.subscribe(source)
      }),
    watch: name => registry.watch(name),
    get: name => registry.get(name),
    list: () => registry.list(),
  }
}
