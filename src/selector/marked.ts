import {
  catchError,
  defer,
  EMPTY,
  endWith,
  filter,
  ignoreElements,
  map,
  merge,
  ReplaySubject,
  startWith,
  Subject,
  switchMap,
  takeUntil,
  tap,
} from 'rxjs'
import { RpcError } from '../core/index.js'
import type { Node, Snapshot } from '../registry/index.js'
import type { Outcome, Selector } from './selector.js'

/** A selector that can also be told by hand how calls ended: go-micro's `Mark` and `Reset`. */
export interface Marked {
  /** What to give a client. */
  readonly selector: Selector
  /**
   * Tells of a call to a node that ended well, or with `error`. It does what the outcome of a call does, except that no
   * running call ends with it and that it says nothing of latency. Clients tell all their calls by themselves: it is for
   * what they cannot see, such as calls made elsewhere. A service that nobody watches ignores it.
   */
  mark(service: string, node: Node, error?: unknown): void
  /** Forgets all that was learned of a service, running calls among it, as if the selector had just started. */
  reset(service: string): void
}

/** Gives a selector go-micro's `mark` and `reset`. */
export function marked(selector: Selector): Marked {
  const marks = new Subject<{ readonly service: string; readonly outcome: Outcome }>()
  const resets = new Subject<string>()
  return {
    selector: ({ runtime, outcomes$ }) => {
      return snapshot$ =>
        defer(() => {
          let names: ReadonlySet<string> = new Set()
          const mark$ = marks.pipe(
            filter(({ service }) => names.has(service)),
            map(({ outcome }) => outcome),
          )
          const seen = new ReplaySubject<Snapshot>(1) // the newest, for who starts anew
          const ended$ = seen.pipe(
            ignoreElements(),
            catchError(() => EMPTY), // the snapshots themselves pass it on
            endWith(undefined),
          )
          const next$ = resets.pipe(
            filter(service => names.has(service)),
            startWith(undefined),
            takeUntil(ended$),
            switchMap(() =>
              seen.pipe(selector({ runtime, outcomes$: merge(outcomes$, mark$.pipe(takeUntil(ended$))) })),
            ),
          )
          const seen$ = snapshot$.pipe(
            tap({
              next(snapshot) {
                names = new Set(snapshot.services.map(({ name }) => name))
                seen.next(snapshot)
              },
              error: error => seen.error(error),
              complete: () => seen.complete(),
            }),
            ignoreElements(),
          )
          return merge(next$, seen$)
        })
    },
    mark: (service, node, error) => marks.next({ service, outcome: outcomeOf(node, error) }),
    reset: service => resets.next(service),
  }
}

function outcomeOf(node: Node, thrown: unknown): Outcome {
  const told = { node, latencyMs: undefined, marked: true }
  if (thrown === undefined || thrown === null) return { ...told, result: 'ok' }
  const { code, reason, hops } = RpcError.from(thrown)
  return hops.length > 0 ? { ...told, result: code } : { ...told, result: code, reason }
}
