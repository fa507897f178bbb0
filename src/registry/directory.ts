import type { Instance, Node, Service } from './registry.js'

/** What a directory holds at one moment. Parts that a change did not touch stay the same objects in the next one. */
export interface Listing {
  /** All services, ordered as a snapshot's. */
  readonly all: readonly Service[]
  /** The services of one name; the same empty list for each name that nobody has. */
  named(name: string): readonly Service[]
}

/**
 * The live nodes of every service, kept by name and id, and listed the way snapshots are.
 * It answers whether a change changed anything, so that heartbeats cost no snapshot.
 */
export interface Directory {
  /** How many nodes it has. */
  readonly size: number
  /** Puts a node in, in place of the one with its name and id. False when that one is equal. */
  put(instance: Instance): boolean
  /** Takes a node out. False when there is none. */
  remove(name: string, id: string): boolean
  /** What is there now; the same object until something changes. */
  listing(): Listing
}

/** An empty directory. */
export function directory(): Directory {
  return new NodeDirectory()
}

const NONE: readonly Service[] = Object.freeze([])

class NodeDirectory implements Directory {
  size: number
  private readonly instances: Map<string, Map<string, Instance>>
  private readonly services: Map<string, readonly Service[]>
  private current: Listing | undefined

  constructor() {
    this.size = 0
    this.instances = new Map()
    this.services = new Map()
    this.current = undefined
  }

  put(instance: Instance): boolean {
    const { name, node } = instance
    const nodes = this.instances.get(name) ?? new Map<string, Instance>()
    const before = nodes.get(node.id)
    if (before !== undefined && JSON.stringify(before) === JSON.stringify(instance)) return false
    if (before === undefined) this.size++
    this.instances.set(name, nodes.set(node.id, instance))
    this.changed(name, nodes)
    return true
  }

  remove(name: string, id: string): boolean {
    const nodes = this.instances.get(name)
    if (nodes === undefined || !nodes.delete(id)) return false
    this.size--
    if (nodes.size === 0) this.instances.delete(name)
    this.changed(name, nodes)
    return true
  }

  listing(): Listing {
    return (this.current ??= listingOf(new Map(this.services)))
  }

  private changed(name: string, nodes: ReadonlyMap<string, Instance>): void {
    if (nodes.size === 0) this.services.delete(name)
    else this.services.set(name, servicesOf([...nodes.values()]))
    this.current = undefined
  }
}

function listingOf(services: ReadonlyMap<string, readonly Service[]>): Listing {
  const names = [...services.keys()].toSorted(byCodeUnit)
  return { all: names.flatMap(name => services.get(name) ?? NONE), named: name => services.get(name) ?? NONE }
}

/** One service a version, of the instances of one name. */
function servicesOf(instances: readonly Instance[]): readonly Service[] {
  const ordered = instances.toSorted((left, right) => byCodeUnit(left.node.id, right.node.id))
  const versions = new Map<string, { first: Instance; nodes: Node[] }>()
  for (const instance of ordered) {
    const known = versions.get(instance.version)
    if (known === undefined) versions.set(instance.version, { first: instance, nodes: [instance.node] })
    else known.nodes.push(instance.node)
  }
  return [...versions.values()]
    .map(({ first: { name, version, metadata, endpoints }, nodes }) => ({ name, version, metadata, endpoints, nodes }))
    .toSorted((left, right) => byCodeUnit(left.version, right.version))
}

// Not localeCompare: two machines with different locales must see one order.
function byCodeUnit(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
