import { optional, resolveOptions, text } from '../core/index.js'
import type { Node } from '../registry/index.js'
import type { Selector } from './selector.js'
import { strategy } from './strategy.js'

/** Options of {@link weighted}. */
export interface WeightedOptions {
  /** The label that tells a node's weight. @default 'weight' */
  readonly label?: string
}

const MOST = 1_000_000

/**
 * Picks nodes at random, each as often as its weight says: one with `weight=2` twice as often as one with `weight=1`.
 *
 * The weight is a number from 0 to 1 000 000 in a label of the node; a node without it, or with something else in it,
 * has 1. A node of weight 0 is picked only when no other has more.
 */
export function weighted(options?: WeightedOptions): Selector {
  const { label } = resolveOptions<Required<WeightedOptions>>('weighted', { label: optional(text, 'weight') }, options)
  return strategy(runtime => {
    const ends = new WeakMap<readonly Node[], Float64Array>()

    const endsOf = (nodes: readonly Node[]): Float64Array => {
      let found = ends.get(nodes)
      if (found === undefined) {
        found = endsOfShares(nodes, label)
        ends.set(nodes, found)
      }
      return found
    }

    return nodes => {
      const shares = endsOf(nodes)
      return firstAbove(shares, runtime.random() * (shares.at(-1) ?? 0))
    }
  })
}

/** Where each node's share ends, when all are laid end to end. */
function endsOfShares(nodes: readonly Node[], label: string): Float64Array {
  const weights = nodes.map(node => weightOf(node.metadata[label]))
  const anyone = weights.every(weight => weight === 0)
  let end = 0
  return Float64Array.from(weights, weight => (end += anyone ? 1 : weight))
}

function weightOf(written: string | undefined): number {
  const weight = written === undefined || written.trim() === '' ? 1 : Number(written)
  return weight >= 0 && weight <= MOST ? weight : 1
}

/** Index of the first end above `point`. */
function firstAbove(ends: Float64Array, point: number): number {
  let low = 0
  let high = ends.length - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ends[middle] ?? Infinity) > point) high = middle
    else low = middle + 1
  }
  return low
}
