import type { Node, Service } from '../registry/index.js'
import type { Absence, FilteredSnapshot, LeftOut, LeftOutNode } from './selector.js'

/** Why a node does not stay, as it reads after a number; `undefined` when it does. `service` is the record that lists it. */
export type WhyNot = (node: Node, service: Service) => string | undefined

/**
 * A snapshot without the nodes that `whyNot` has something against, which remembers them (see `LeftOut`).
 * Services without nodes are left out. When every node stays, it is the same object.
 */
export function keepNodes(
  snapshot: FilteredSnapshot,
  whyNot: WhyNot,
  absenceOf?: (node: Node) => Absence | undefined,
): FilteredSnapshot {
  const taken = new Map<string, LeftOutNode[]>()
  const services: Service[] = []
  for (const service of snapshot.services) {
    const nodes = service.nodes.filter(node => {
      const why = whyNot(node, service)
      if (why === undefined) return true
      const known = taken.get(why)
      const leftOut = { node, version: service.version }
      if (known === undefined) taken.set(why, [leftOut])
      else known.push(leftOut)
      return false
    })
    if (nodes.length === service.nodes.length) services.push(service)
    else if (nodes.length > 0) services.push({ ...service, nodes })
  }
  if (taken.size === 0) return snapshot
  const leftOut = Array.from(taken, ([why, nodes]): LeftOut => ({ why, nodes, ...(absenceOf && { absenceOf }) }))
  return { ...snapshot, services, leftOut: [...(snapshot.leftOut ?? []), ...leftOut] }
}
