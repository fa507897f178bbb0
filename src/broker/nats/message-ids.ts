import type { Runtime } from '../../core/index.js'

/** Hexadecimal digits of an id that count, and of one that are drawn. */
const COUNTED = 10
const DRAWN = 22

/**
 * Ids that nobody else makes, each the one before and 1: a hundredth of what one drawn whole costs, which is more than
 * what is written around it.
 */
export function messageIds(runtime: Runtime): () => string {
  let drawn = ''
  let count = 0
  return () => {
    if (count === 0) drawn = runtime.id().slice(0, DRAWN)
    const id = drawn + count.toString(16).padStart(COUNTED, '0')
    count = count === Number.MAX_SAFE_INTEGER ? 0 : count + 1
    return id
  }
}
