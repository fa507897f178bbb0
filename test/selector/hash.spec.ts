import { describe, expect, it } from 'vitest'
import { hashOf, mixed } from '../../src/selector/hash.js'

const NODES = 10
const KEYS = 10_000

/** How many keys each of ten nodes has the highest hash with, when ids and keys are as alike as they often are. */
function shares(nodes: number): readonly number[] {
  const hashes = Array.from({ length: nodes }, (_, index) => hashOf(`words-${index}`))
  const counts = hashes.map(() => 0)
  for (let key = 0; key < KEYS; key++) {
    const scores = hashes.map(hash => mixed(hash, hashOf(`user:${key}`)))
    const best = scores.indexOf(Math.max(...scores))
    counts[best] = (counts[best] ?? 0) + 1
  }
  return counts
}

describe('mixed', () => {
  it('gives every node its share of keys', () => {
    for (const count of shares(NODES)) {
      expect(count).toBeGreaterThan(0.9 * (KEYS / NODES))
      expect(count).toBeLessThan(1.1 * (KEYS / NODES))
    }
  })

  it('is a whole number of 32 bits', () => {
    const values = ['', 'a', 'words-1', '€'].map(text => mixed(hashOf(text), hashOf('key')))

    for (const value of values) expect(value).toBe(value >>> 0)
  })
})
