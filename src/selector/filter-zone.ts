import { map, type OperatorFunction } from 'rxjs'
import { integer, listOf, optional, resolveOptions, text } from '../core/index.js'
import type { Node, Snapshot } from '../registry/index.js'
import { keepNodes } from './keep-nodes.js'

/** Options of {@link filterZone}. */
export interface FilterZoneOptions {
  /** The zones, the nearest first; all others are the farthest, and equally far. */
  readonly zones: readonly string[]
  /** Fewer nodes than this are too few: those of the next zone are added. @default 1 */
  readonly minNodes?: number
  /** The label that tells a node's zone. @default 'zone' */
  readonly label?: string
}

/**
 * Keeps the nodes of the nearest zone, and lets calls overflow to the next ones while it has fewer than `minNodes`.
 *
 * It counts the nodes that the filters before it have left: behind `ejectOutliers` a zone whose nodes are ejected
 * overflows. It never takes the last node; who wants one zone or none has `filterLabel`.
 */
export function filterZone(options: FilterZoneOptions): OperatorFunction<Snapshot, Snapshot> {
  const { zones, minNodes, label } = resolveOptions<Required<FilterZoneOptions>>(
    'filterZone',
    { zones: listOf(text), minNodes: optional(integer({ min: 1 }), 1), label: optional(text, 'zone') },
    options,
  )
  const why = `farther than zone ${zones.join(', ')}`
  const distances = new Map(zones.toReversed().map((zone, index) => [zone, zones.length - 1 - index]))
  const distanceOf = ({ metadata }: Node): number => distances.get(metadata[label] ?? '') ?? zones.length

  return map(snapshot => {
    const counts = Array.from({ length: zones.length + 1 }, () => 0)
    for (const { nodes } of snapshot.services) {
      for (const node of nodes) counts[distanceOf(node)] = (counts[distanceOf(node)] ?? 0) + 1
    }
    let near = 0
    const farthest = counts.findIndex(count => (near += count) >= minNodes)
    return farthest < 0 ? snapshot : keepNodes(snapshot, node => (distanceOf(node) <= farthest ? undefined : why))
  })
}
