import type { Runtime } from '../core/index.js'

/**
 * Draws whole numbers from 0 to below `below` (at most 2³²), from a seed that it draws from the runtime: Steele's
 * SplitMix, with 32 bits. For picks, which are to leave no garbage: each number of `Math.random` is an object.
 */
export function draws(runtime: Runtime): (below: number) => number {
  let state = (runtime.random() * 0x1_0000_0000) | 0
  return below => {
    state = (state + 0x9e3779b9) | 0
    let bits = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
    return Math.floor((((bits ^ (bits >>> 16)) >>> 0) / 0x1_0000_0000) * below)
  }
}
