import { seededRuntime } from 'millrace/core'
import { VirtualTimeScheduler } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { draws } from '../../src/selector/draws.js'

function drawn(seed: number, below: number, count: number): readonly number[] {
  const draw = draws(seededRuntime({ scheduler: new VirtualTimeScheduler(), seed }))
  return Array.from({ length: count }, () => draw(below))
}

describe('draws', () => {
  it('draws the same for the same seed', () => {
    expect(drawn(1, 1000, 20)).toEqual(drawn(1, 1000, 20))
  })

  it('draws others for another seed', () => {
    expect(drawn(1, 1000, 20)).not.toEqual(drawn(2, 1000, 20))
  })

  it('draws pairs of numbers evenly', () => {
    const numbers = drawn(1, 10, 100_000)
    const counts = new Map<number, number>()
    for (let index = 0; index < numbers.length; index += 2) {
      const pair = 10 * (numbers[index] ?? NaN) + (numbers[index + 1] ?? NaN)
      counts.set(pair, (counts.get(pair) ?? 0) + 1)
    }

    expect(counts.size).toBe(100)
    expect(Math.min(...counts.values())).toBeGreaterThan(400)
    expect(Math.max(...counts.values())).toBeLessThan(600)
  })
})
