import type { Node } from '../registry/index.js'
import { hashOf, mixed } from './hash.js'
import type { Selector } from './selector.js'
import { strategy } from './strategy.js'

/**
 * Picks the same node for the same key, on every client: the one whose hash with the key is the highest (rendezvous
 * hashing). When a node leaves, only its keys move, each to the next of its own; when one comes, it takes its share from
 * all. A call without a key goes to any node.
 *
 * A pick with a key looks at every node. For a cluster whose keys are hot, put a cache in front, not a filter: filters
 * that come and go (ejection) move keys.
 */
export const rendezvousHash: Selector = strategy(runtime => {
  const hashes = new WeakMap<readonly Node[], Uint32Array>()

  const hashesOf = (nodes: readonly Node[]): Uint32Array => {
    let found = hashes.get(nodes)
    if (found === undefined) {
      found = Uint32Array.from(nodes, node => hashOf(node.id))
      hashes.set(nodes, found)
    }
    return found
  }

  return (nodes, { key }) =>
    key === undefined ? Math.floor(runtime.random() * nodes.length) : highest(hashesOf(nodes), hashOf(key))
})

function highest(nodes: Uint32Array, key: number): number {
  let best = -1
  let chosen = 0
  for (let index = 0; index < nodes.length; index++) {
    const score = mixed(nodes[index] ?? 0, key)
    if (score > best) {
      best = score
      chosen = index
    }
  }
  return chosen
}
