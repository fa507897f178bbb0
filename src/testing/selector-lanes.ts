import * as E from 'fp-ts/lib/Either.js'
import { EMPTY, map, type Observable, withLatestFrom } from 'rxjs'
import type { Snapshot } from '../registry/index.js'
import type { Outcome, Pick, Selector } from '../selector/index.js'
import type { MarbleValues, ObservableKit } from './observable-kit.js'

/** The lanes of a selector under test. What goes in comes before `expectPicks`. */
export interface SelectorLanes {
  /** The snapshots that it is given. */
  snapshots(diagram: string, values: MarbleValues<Snapshot>): void
  /** How calls end. @default none */
  outcomes(diagram: string, values: MarbleValues<Outcome>): void
  /** When it is asked for a node, and for which call. Without `values` every call is like any other. */
  picks(diagram: string, values?: MarbleValues<Pick>): void
  /**
   * Expects ids of nodes, which letters stand for in `nodes` and by default for themselves; a letter whose value is an
   * object is the error `{ code, reason }`. The selector is subscribed as long as `'^---!'` says.
   */
  expectPicks(diagram: string, nodes?: MarbleValues<unknown>, subscription?: string): void
}

/** The lanes of `selector`. */
export function selectorLanes(selector: Selector, kit: ObservableKit): SelectorLanes {
  let snapshot$: Observable<Snapshot> = EMPTY
  let outcomes$: Observable<Outcome> = EMPTY
  let pick$: Observable<Pick> = EMPTY
  return {
    snapshots: (diagram, values) => void (snapshot$ = kit.hot(diagram, values)),
    outcomes: (diagram, values) => void (outcomes$ = kit.hot(diagram, values)),
    picks(diagram, values) {
      const asked$ = kit.hot<string | Pick>(diagram, values)
      pick$ = asked$.pipe(map(asked => (typeof asked === 'string' ? {} : asked)))
    },
    expectPicks(diagram, nodes, subscription) {
      const next$ = snapshot$.pipe(selector({ runtime: kit.runtime, outcomes$ }))
      const picked$ = pick$.pipe(
        withLatestFrom(next$),
        map(([pick, next]) => next(pick)),
        map(
          E.match(
            (error): unknown => error,
            ({ id }) => id,
          ),
        ),
      )
      kit.expectObservable(picked$, subscription).toBe(diagram, nodes)
    },
  }
}
