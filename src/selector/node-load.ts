import type * as E from 'fp-ts/lib/Either.js'
import type { Node } from '../registry/index.js'

/** What one client knows of the load of one node. It outlasts snapshots. */
export interface NodeLoad {
  /** The answer that picks the node, made once a node. */
  answer: E.Right<Node>
  /** Calls that run there: picked, and not ended. */
  pending: number
  /** What a call costs there, ms, as known at `costAt`; 0 when nothing is known. */
  costMs: number
  /** When `costMs` was learned, on the runtime's clock, ms. */
  costAt: number
}
