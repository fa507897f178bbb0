import { map, type OperatorFunction } from 'rxjs'
import type { Node, Service, Snapshot } from '../registry/index.js'
import { keepNodes } from './keep-nodes.js'

/** Whether a node stays; `service` is the record that lists it. */
export type KeepNode = (node: Node, service: Service) => boolean

/**
 * Keeps the nodes that `keep` accepts; the filter to make others of.
 * `why` reads after a number in the error when nothing is left: `0 of 3 usable: 3 in maintenance`.
 */
export function filterNodes(why: string, keep: KeepNode): OperatorFunction<Snapshot, Snapshot> {
  return map(snapshot => keepNodes(snapshot, (node, service) => (keep(node, service) ? undefined : why)))
}
