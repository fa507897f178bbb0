import * as E from 'fp-ts/lib/Either.js'
import type { Next, Selector } from 'millrace/selector'
import { marbles } from 'millrace/testing'
import { map, type Observable, type OperatorFunction, pipe, withLatestFrom } from 'rxjs'
import { outcomeOfText, snapshotOfText } from './texts.js'

/** Snapshots, as texts that a diagram can show. */
const SNAPSHOTS = { s: 'a b c', t: 'a b c stale', o: 'a', d: 'd', n: 'none' }

/** Nodes that a call has tried. */
const TRIED = { p: 'none', q: 'a', r: 'a b c' }

/** How calls to nodes ended. */
const OUTCOMES = { a: 'a refused', b: 'b refused', c: 'c refused', A: 'a ok' }

/** What goes into a selector, and what is picked. */
export interface PickLanes {
  readonly snapshots: string
  readonly outcomes?: string
  readonly picks: string
  /** Ids of what was picked; `n` is `no_endpoint`, `x` is `strategy_failed`. */
  readonly picked: string
  /** When it is subscribed. @default as long as `picked` is drawn */
  readonly subscribed?: string
}

/** Expects that the selector picks as drawn, and that it is subscribed to snapshots as long as it is itself. */
export function checkPicks(selector: Selector, lanes: PickLanes): void {
  const { snapshots, outcomes = '', picks, picked, subscribed = `^${picked.replace(/./g, '-')}!` } = lanes
  marbles(({ hot, runtime, expectObservable, expectSubscriptions }) => {
    const snapshot$ = hot(snapshots, SNAPSHOTS)
    const outcome$ = hot(outcomes, OUTCOMES)
    const pick$ = hot(picks, TRIED)

    const next$ = snapshot$.pipe(
      map(snapshotOfText),
      selector({ runtime, outcomes$: outcome$.pipe(map(outcomeOfText)) }),
    )
    const picked$ = pick$.pipe(pickFrom(next$))

    expectObservable(picked$, subscribed).toBe(picked)
    expectSubscriptions(snapshot$).toBe(subscribed)
  })
}

function pickFrom(next$: Observable<Next>): OperatorFunction<string, string> {
  return pipe(
    withLatestFrom(next$),
    map(([tried, next]) => next(tried === 'none' ? {} : { exclude: new Set(tried.split(' ')) })),
    map(
      E.match(
        ({ reason }) => (reason === 'no_endpoint' ? 'n' : 'x'),
        ({ id }) => id,
      ),
    ),
  )
}
