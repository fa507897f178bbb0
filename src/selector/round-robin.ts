import type { Selector } from './selector.js'
import { strategy } from './strategy.js'

/**
 * Picks one node after the other, in the registry's order. It starts anywhere, so that many clients that start
 * together do not all go to the same node, and goes on where it was when a snapshot changes the list.
 */
export const roundRobin: Selector = strategy(runtime => {
  let turn = Math.floor(runtime.random() * 0x1_0000_0000)
  return nodes => turn++ % nodes.length
})
