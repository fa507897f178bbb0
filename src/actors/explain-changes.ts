import { auditTime, distinctUntilChanged, map, type Observable, startWith, switchMap, type SchedulerLike } from 'rxjs'
import type { Explanation, Next, Outcome } from '../selector/index.js'

/** What {@link explainChanges} looks at. */
export interface ExplainedChanges {
  /** How nodes are picked: the newest at once, then each other. */
  readonly next$: Observable<Next>
  /** How calls ended, hot. */
  readonly outcomes$: Observable<Outcome>
  /** Makes the table of this moment. */
  readonly explain: (next: Next) => Explanation
  /** Time. */
  readonly scheduler: SchedulerLike
}

/** How often counts are told at most, ms. */
const COUNTS_MS = 1000

/**
 * A table at once and whenever another node can be picked, or can no more; what else calls change (counts, loads, faults
 * and times of nodes that are out) within a second. Nothing is emitted that is equal to the table before.
 */
export function explainChanges({ next$, outcomes$, explain, scheduler }: ExplainedChanges): Observable<Explanation> {
  return next$.pipe(
    switchMap(next =>
      outcomes$.pipe(
        auditTime(COUNTS_MS, scheduler),
        startWith(undefined),
        map(() => explain(next)),
      ),
    ),
    distinctUntilChanged((before, after) => JSON.stringify(before) === JSON.stringify(after)),
  )
}
