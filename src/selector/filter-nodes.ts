import { map, type OperatorFunction } from 'rxjs'
import type { Snapshot } from '../registry/index.js'
import { keepNodes, type KeepNode } from './keep-nodes.js'

/**
 * Keeps the nodes that `keep` accepts; the filter to make others of.
 * `why` reads after a number in the error when nothing is left: `0 of 3 nodes usable: 3 in maintenance`.
 */
export function filterNodes(why: string, keep: KeepNode): OperatorFunction<Snapshot, Snapshot> {
  return map(snapshot => keepNodes(snapshot, why, keep))
}
