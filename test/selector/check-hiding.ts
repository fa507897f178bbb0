import type { Snapshot } from 'millrace/registry'
import type { FilteredSnapshot, SelectorContext } from 'millrace/selector'
import { marbles } from 'millrace/testing'
import { ignoreElements, map, merge, share, tap, withLatestFrom, type Observable, type OperatorFunction } from 'rxjs'
import { nodeOf } from './snapshots.js'
import { outcomeOfText, snapshotOfText, textOfIds } from './texts.js'

/** Snapshots, as texts that a diagram can show. */
const SNAPSHOTS = { s: 'a b c', M: 'a@elsewhere b c', L: 'b c', O: 'a', u: 'a b', N: 'none' }

/** How calls to nodes ended: refused, well, badly, cancelled, by the caller's fault. */
const OUTCOMES = {
  ...{ a: 'a refused', b: 'b refused', c: 'c refused' },
  ...{ A: 'a ok', B: 'b ok', C: 'c ok' },
  ...{ x: 'a broken', y: 'b broken', z: 'c broken' },
  ...{ d: 'a drains', k: 'a cancelled', i: 'a invalid' },
}

/** Nodes that are left in. */
const LEFT: { readonly [marble: string]: string } = {
  o: 'a b c',
  a: 'a',
  b: 'b',
  c: 'c',
  x: 'b c',
  y: 'a c',
  z: 'a b',
  n: 'none',
}

/** What goes into a filter that learns from outcomes, and what comes out. */
export interface HidingLanes {
  readonly snapshots: string
  readonly outcomes: string
  /** Ids of nodes that are picked from what is left. @default none */
  readonly picks?: string
  readonly left: string
  /** @default the end of the longest lane */
  readonly unsubscribed?: string
  /** When outcomes are subscribed. @default until it is unsubscribed */
  readonly learning?: string
}

/** Snapshots, outcomes and picks go in, the lane of nodes that are left in is compared. */
export function checkHiding(
  filterOf: (context: SelectorContext) => OperatorFunction<Snapshot, Snapshot>,
  { snapshots, outcomes, picks = '', left, unsubscribed = `${'-'.repeat(left.length)}!`, learning }: HidingLanes,
): void {
  marbles(({ hot, runtime, expectObservable, expectSubscriptions }) => {
    const snapshot$ = hot(snapshots, SNAPSHOTS)
    const outcome$ = hot(outcomes, OUTCOMES)
    const pick$ = hot(picks)
    const window = unsubscribed.replace('-', '^')
    const filter = filterOf({ runtime, outcomes$: outcome$.pipe(map(outcomeOfText)) })

    const filtered$ = snapshot$.pipe(map(snapshotOfText), filter, share())
    const left$ = merge(filtered$.pipe(map(textOfIds)), pick$.pipe(pickFrom(filtered$)))

    expectObservable(left$, window).toBe(left, LEFT)
    expectSubscriptions(snapshot$).toBe(window)
    expectSubscriptions(outcome$).toBe(learning ?? window)
  })
}

/** Tells a filter what is picked from its newest snapshot, as a strategy does. */
function pickFrom(filtered$: Observable<FilteredSnapshot>): OperatorFunction<string, never> {
  return pick$ =>
    pick$.pipe(
      withLatestFrom(filtered$),
      tap(([id, { picked }]) => picked?.(nodeOf(id))),
      ignoreElements(),
    )
}
