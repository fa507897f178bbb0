import {
  catchError,
  combineLatest,
  defer,
  distinctUntilChanged,
  EMPTY,
  expand,
  filter,
  map,
  merge,
  type OperatorFunction,
  of,
  startWith,
  Subject,
  switchMap,
  tap,
  timer,
} from 'rxjs'
import type { Node, Snapshot } from '../registry/index.js'
import { keepNodes } from './keep-nodes.js'
import type { FilteredSnapshot, Outcome, SelectorContext } from './selector.js'

/** Which nodes are hidden for a while, as outcomes tell. */
export interface Hiding {
  /** Takes an outcome in and says whether it may change the picture. */
  record(outcome: Outcome): boolean
  /** Takes the nodes of a snapshot in, by id: forgets those that are gone. */
  see(nodes: ReadonlyMap<string, Node>): void
  /** Ids of the nodes to leave out of what it has seen last. */
  hidden(): ReadonlySet<string>
  /** Time until the picture changes by itself, ms; `undefined` when it does not. */
  nextChangeMs(): number | undefined
  /** Who wants to hear of picks now: takes a node that was picked, and says whether that changes the picture. */
  onPick?(): ((node: Node) => boolean) | undefined
}

/**
 * Leaves out the nodes that `start` hides; it runs once a subscription. `why` reads after a number: `2 ejected`.
 *
 * It emits whenever the picture changes, in the turn of the outcome, the pick or the snapshot, and with a timer
 * when time changes it. It completes when both the snapshots and the outcomes have, and no timer runs.
 */
export function hideNodes(
  { runtime: { scheduler }, outcomes$ }: SelectorContext,
  why: string,
  start: (now: () => number) => Hiding,
): OperatorFunction<Snapshot, Snapshot> {
  return snapshot$ =>
    defer(() => {
      const hiding = start(() => scheduler.now())
      const picks = new Subject<void>()

      /** The snapshot at once and whenever time has changed the picture. */
      const inTime = (snapshot: Snapshot) =>
        of(snapshot).pipe(
          expand(() => {
            const waitMs = hiding.nextChangeMs()
            return waitMs === undefined ? EMPTY : timer(waitMs, scheduler).pipe(map(() => snapshot))
          }),
        )

      const left = (snapshot: Snapshot, hidden: ReadonlySet<string>): FilteredSnapshot => {
        const kept = keepNodes(snapshot, why, node => !hidden.has(node.id))
        const onPick = hiding.onPick?.()
        if (onPick === undefined) return kept
        const picked = (node: Node): void => {
          kept.picked?.(node)
          if (onPick(node)) picks.next()
        }
        return { ...kept, picked }
      }

      // Outcomes first: it is ready for snapshots that come while it subscribes them.
      return combineLatest([
        merge(
          picks,
          outcomes$.pipe(
            filter(outcome => hiding.record(outcome)),
            catchError(() => EMPTY), // nobody tells any more, which says nothing of the nodes
          ),
        ).pipe(startWith(undefined)),
        snapshot$.pipe(tap({ next: snapshot => hiding.see(nodesById(snapshot)), complete: () => picks.complete() })),
      ]).pipe(
        switchMap(([, snapshot]) => inTime(snapshot)),
        map(snapshot => ({ snapshot, hidden: hiding.hidden() })),
        distinctUntilChanged((a, b) => a.snapshot === b.snapshot && sameIds(a.hidden, b.hidden)),
        map(({ snapshot, hidden }) => left(snapshot, hidden)),
      )
    })
}

function nodesById({ services }: Snapshot): ReadonlyMap<string, Node> {
  return new Map(services.flatMap(service => service.nodes.map(node => [node.id, node] as const)))
}

function sameIds(first: ReadonlySet<string>, second: ReadonlySet<string>): boolean {
  if (first.size !== second.size) return false
  for (const id of first) if (!second.has(id)) return false
  return true
}
