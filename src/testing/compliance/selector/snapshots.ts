import type { Metadata, Node, Service, Snapshot } from '../../../registry/index.js'

/** A node that listens at an address of its own. */
export function nodeOf(id: string, metadata: Metadata = {}): Node {
  return { id, address: `${id}.test:1`, metadata }
}

/** A service record; nodes may be given by id. */
export function serviceOf(
  version: string,
  nodes: readonly (string | Node)[],
  endpoints: readonly string[] = [],
): Service {
  return {
    name: 'words',
    version,
    metadata: {},
    endpoints: endpoints.map(name => ({ name, request: null, response: null, metadata: {} })),
    nodes: nodes.map(node => (typeof node === 'string' ? nodeOf(node) : node)),
  }
}

/** A fresh snapshot of the given records. */
export function snapshotOf(...services: readonly Service[]): Snapshot {
  return { services, asOf: 0, stale: false }
}

/** Ids of all nodes, in order. */
export function idsOf({ services }: Snapshot): readonly string[] {
  return services.flatMap(({ nodes }) => nodes.map(({ id }) => id))
}
