import { defer, map, type OperatorFunction } from 'rxjs'
import { integer, optional, resolveOptions, text } from '../core/index.js'
import type { Node, Snapshot } from '../registry/index.js'
import { hashOf, mixed } from './hash.js'
import { keepNodes } from './keep-nodes.js'
import type { SelectorContext } from './selector.js'

/** Options of {@link subset}. */
export interface SubsetOptions {
  /** How many nodes this client uses; with fewer known, it uses all. @default 20 */
  readonly size?: number
  /**
   * Who this client is: the same name has the same subset, over restarts too. It is to be another for each process.
   * @default drawn when it is subscribed
   */
  readonly client?: string | undefined
}

/**
 * Keeps a few nodes, others for each client: for clusters so large that a connection from every client to every
 * node is too many.
 *
 * Which nodes they are follows from the names of the client and of the nodes only (those whose hash with the client's name
 * is the highest). A node that comes or goes changes at most one node of a client's subset, and every node is in about as
 * many subsets as any other. In front of `ejectOutliers` the connections stay as few; behind it, what is ejected is
 * replaced.
 */
export function subset({ runtime }: SelectorContext, options?: SubsetOptions): OperatorFunction<Snapshot, Snapshot> {
  const { size, client } = resolveOptions<Required<SubsetOptions>>(
    'subset',
    { size: optional(integer({ min: 1 }), 20), client: optional(text) },
    options,
  )
  return snapshot$ =>
    defer(() => {
      const own = hashOf(client ?? runtime.id())
      return snapshot$.pipe(
        map(snapshot => {
          const nodes = snapshot.services.flatMap(service => service.nodes)
          if (nodes.length <= size) return snapshot
          const chosen = highest(nodes, own, size)
          return keepNodes(snapshot, ({ id }) => (chosen.has(id) ? undefined : 'outside of the subset'))
        }),
      )
    })
}

/** Ids of the `size` nodes whose hash with the client is the highest. */
function highest(nodes: readonly Node[], client: number, size: number): ReadonlySet<string> {
  const scored = nodes.map(({ id }) => ({ id, score: mixed(hashOf(id), client) }))
  scored.sort((first, second) => second.score - first.score || (first.id < second.id ? -1 : 1))
  return new Set(scored.slice(0, size).map(({ id }) => id))
}
