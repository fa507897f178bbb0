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
import type { Absence, FilteredSnapshot, Outcome, SelectorContext } from './selector.js'

/** Which nodes are hidden for a while, as outcomes tell. */
export interface Hiding {
  /** Takes an outcome in and says whether it may change the picture. */
  record(outcome: Outcome): boolean
  /** Takes the nodes of a snapshot in, by id: forgets those that are gone. */
  see(nodes: ReadonlyMap<string, Node>): void
  /** The nodes to leave out of what it has seen last: by id, why, as it reads after a number. */
  hidden(): ReadonlyMap<string, string>
  /** What is known of a node that is hidden. */
  absenceOf(node: Node): Absence | undefined
  /** Time until the picture changes by itself, ms; `undefined` when it does not. */
  nextChangeMs(): number | undefined
  /** Who wants to hear of picks now: takes a node that was picked, and says whether that changes the picture. */
  onPick?(): ((node: Node) => boolean) | undefined
}

/**
 * Leaves out the nodes that `start` hides; it runs once a subscription.
 *
 * It emits whenever the picture changes, in the turn of the outcome, the pick or the snapshot, and with a timer
 * when time changes it. It completes when both the snapshots and the outcomes have, and no timer runs.
 */
export function hideNodes(
  { runtime: { scheduler }, outcomes$ }: SelectorContext,
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

      const absenceOf = (node: Node): Absence | undefined => hiding.absenceOf(node)
      const left = (snapshot: Snapshot, hidden: ReadonlyMap<string, string>): FilteredSnapshot => {
        const kept = keepNodes(snapshot, node => hidden.get(node.id), absenceOf)
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
        distinctUntilChanged((a, b) => a.snapshot === b.snapshot && sameEntries(a.hidden, b.hidden)),
        map(({ snapshot, hidden }) => left(snapshot, hidden)),
      )
    })
}

function nodesById({ services }: Snapshot): ReadonlyMap<string, Node> {
  return new Map(services.flatMap(service => service.nodes.map(node => [node.id, node] as const)))
}

function sameEntries(first: ReadonlyMap<string, string>, second: ReadonlyMap<string, string>): boolean {
  if (first.size !== second.size) return false
  for (const [id, why] of first) if (second.get(id) !== why) return false
  return true
}
