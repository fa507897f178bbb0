import { loadStrategy } from './load-strategy.js'
import type { Selector } from './selector.js'

/**
 * Picks the node at which the fewest calls of this client run, in turn among equals. It looks at every node, but stops
 * at the first that has nothing to do: for many nodes that are all busy, `p2c` is cheaper.
 */
export const leastPending: Selector = loadStrategy(runtime => {
  let turn = Math.floor(runtime.random() * 0x1_0000_0000)
  return {
    choose(loads) {
      const { length } = loads
      let least = Infinity
      let chosen = 0
      for (let step = 0, index = turn % length; step < length && least > 0; step++) {
        const { pending } = loads[index] ?? NOBODY
        if (pending < least) {
          least = pending
          chosen = index
        }
        index = index + 1 === length ? 0 : index + 1
      }
      turn = chosen + 1
      return chosen
    },
  }
})

/** What there is beyond the end of a list. */
const NOBODY = { pending: Infinity } as const
