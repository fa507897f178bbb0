import type { Either } from 'fp-ts/lib/Either.js'
import type { Observable, OperatorFunction } from 'rxjs'
import type { Code, RpcError, Runtime } from '../core/index.js'
import type { Node, Snapshot } from '../registry/index.js'

/** What one call asks of a selector. */
export interface Pick {
  /** Calls with the same key go to the same node where the strategy supports it. */
  readonly key?: string | undefined
  /** Ids of nodes already tried for this call; taken only when no other is left. */
  readonly exclude?: ReadonlySet<string> | undefined
}

/** How busy a node is, by what one client knows. */
export interface Load {
  /** Calls that run there. */
  readonly pending: number
  /** What a call costs there, ms, as last learned. @default nothing is known */
  readonly costMs?: number
}

/**
 * Picks the node for one call: synchronous, no I/O, and free to call at any time until the selector emits the next one.
 * Left is UNAVAILABLE with reason `no_endpoint` and the numbers behind it: how many are known, and why none is usable.
 * It never ran anywhere, so it is safe to retry.
 */
export interface Next {
  /** Picks. */
  (pick: Pick): Either<RpcError, Node>
  /** What it picks from, for who asks why. @default it does not tell */
  readonly from?: FilteredSnapshot
  /** How busy a node is. @default the strategy does not go by that */
  readonly loadOf?: (node: Node) => Load | undefined
}

/** How one call at one node ended: each node that was picked has exactly one, sooner or later. */
export interface Outcome {
  /** Where it went. */
  readonly node: Node
  /** `ok`, `cancelled` (by the caller: says nothing of the node), or the code of the error. */
  readonly result: 'ok' | 'cancelled' | Code
  /** Reason of the error, `connect_failed` among them. */
  readonly reason?: string
  /**
   * Time from the pick to the reply, or to the first message of a stream of replies, ms. `undefined` when it says nothing
   * of the node: for streams of requests, which go at the caller's pace, streams that ended without a message, tells, and
   * calls that never left.
   */
  readonly latencyMs: number | undefined
  /** It was told by hand (see `marked`): no pick ends with it, and its latency says nothing. @default false */
  readonly marked?: boolean
}

/** What a selector is given besides snapshots. */
export interface SelectorContext {
  /** Time and chance. */
  readonly runtime: Runtime
  /** How calls ended, hot. */
  readonly outcomes$: Observable<Outcome>
}

/** A node that was taken out of a snapshot. */
export interface LeftOutNode {
  /** The node. */
  readonly node: Node
  /** Version of the service that listed it. */
  readonly version: string
}

/** What a filter that hides nodes for a while knows of one of them. */
export interface Absence {
  /** How many faults keep it out. @default it was not for faults */
  readonly failures?: number
  /** When it may come back, on the runtime's clock, ms. @default nobody knows */
  readonly untilMs?: number
}

/** Nodes that one filter took out of a snapshot, for one reason. */
export interface LeftOut {
  /** Why, as it reads after a number: `of another version than ^1.2`. */
  readonly why: string
  /** Which, in the order of the snapshot; at least one. */
  readonly nodes: readonly LeftOutNode[]
  /** What is known of one of them at the moment: it may change while it stays out. @default nothing */
  readonly absenceOf?: (node: Node) => Absence | undefined
}

/** A snapshot that filters may have taken nodes out of, and what there is to say of those. */
export interface FilteredSnapshot extends Snapshot {
  /** What each filter took and why, the first filter first. @default nothing */
  readonly leftOut?: readonly LeftOut[]
  /**
   * To be told each node that is picked from this snapshot, last thing before the answer is given: a filter that lets
   * a single call through wants to know. It may emit another snapshot in that turn. @default nobody
   */
  readonly picked?: (node: Node) => void
}

/**
 * Turns snapshots into the function that picks.
 *
 * 1. It emits a `Next` for every snapshot it is given, in the same turn, and others in between as it learns from
 *    outcomes; the newest one counts.
 * 2. A stale snapshot is served like any other: the registry knows no better.
 * 3. What it learns (turns, refusals) lives as long as its subscription and outlasts snapshots.
 * 4. Chance comes from the runtime only: one seed, one series of picks.
 * 5. Outcomes that complete or fail do not end it: it goes on with what it has learned.
 * 6. A pick is the start of a call, and the outcome with its node the end: that is how running calls are counted.
 *
 * Filters (operators from snapshots to snapshots) go in front of a strategy, the one that looks at outcomes last:
 * `context => pipe(filterLabel('zone', 'eu'), avoidRefused(context), roundRobin(context))`, with `pipe` of RxJS.
 */
export type Selector = (context: SelectorContext) => OperatorFunction<Snapshot, Next>
