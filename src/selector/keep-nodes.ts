import type { Node, Service } from '../registry/index.js'
import type { FilteredSnapshot } from './selector.js'

/** Whether a node stays; `service` is the record that lists it. */
export type KeepNode = (node: Node, service: Service) => boolean

/**
 * A snapshot with only the nodes that `keep` accepts, which remembers how many it took away and `why` (see `LeftOut`).
 * Services without nodes are left out. When every node stays, it is the same object.
 */
export function keepNodes(snapshot: FilteredSnapshot, why: string, keep: KeepNode): FilteredSnapshot {
  let taken = 0
  const services: Service[] = []
  for (const service of snapshot.services) {
    const nodes = service.nodes.filter(node => keep(node, service))
    taken += service.nodes.length - nodes.length
    if (nodes.length === service.nodes.length) services.push(service)
    else if (nodes.length > 0) services.push({ ...service, nodes })
  }
  if (taken === 0) return snapshot
  return { ...snapshot, services, leftOut: [...(snapshot.leftOut ?? []), { why, nodes: taken }] }
}
