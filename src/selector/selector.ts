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

/**
 * Picks the node for one call: synchronous, no I/O.
 * Left is UNAVAILABLE with reason `no_endpoint` and the numbers behind it: how many are known, and why none is usable.
 */
export type Next = (pick: Pick) => Either<RpcError, Node>

/** How one call at one node ended. */
export interface Outcome {
  readonly node: Node
  /** `ok`, `cancelled` (by the caller: says nothing of the node), or the code of the error. */
  readonly result: 'ok' | 'cancelled' | Code
  /** Reason of the error, `connect_failed` among them. */
  readonly reason?: string
  /** Time from the pick to the end, or to the first message of a stream, ms. */
  readonly latencyMs: number
}

/** What a selector is given besides snapshots. */
export interface SelectorContext {
  /** Time and chance. */
  readonly runtime: Runtime
  /** How calls ended, hot. */
  readonly outcomes$: Observable<Outcome>
}

/**
 * A strategy: turns snapshots into the function that picks. Emits a `Next` for every snapshot.
 * Compose with filters: `context => pipe(filterLabel('zone', 'eu'), roundRobin(context))`.
 */
export type Selector = (context: SelectorContext) => OperatorFunction<Snapshot, Next>
