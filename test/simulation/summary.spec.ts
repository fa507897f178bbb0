import { describe, expect, it } from 'vitest'
import { noCalls } from './call-counts.js'
import type { ShopRun } from './run-shop.js'
import { summarize, summaryLines } from './summary.js'

function run(seed: number, outcome: ShopRun['outcome']): ShopRun {
  return {
    seed,
    virtualMs: 60_000,
    events: 10,
    calls: { ...noCalls, unary: seed },
    faults: ['crash'],
    outcome,
    lastLines: [],
  }
}

describe('summarize', () => {
  it('does not depend on the order in which runs end', () => {
    const runs = [1, 2, 3].map(seed => run(seed, { hash: `${seed}` }))

    const summary = summarize(runs.toReversed())

    expect(summary).toEqual(summarize(runs))
  })

  it('gives another hash when one run is another', () => {
    const same = run(1, { hash: 'a' })

    const { hash } = summarize([same, run(2, { hash: 'b' })])

    expect(hash).not.toBe(summarize([same, run(2, { hash: 'c' })]).hash)
  })

  it('leaves runs that were cut short out of means', () => {
    const { calls, violations } = summarize([run(8, { hash: 'a' }), run(2, { violated: 'a call never ended' })])

    expect([calls, violations]).toEqual([{ mean: 8, least: 8 }, [{ seed: 2, violated: 'a call never ended' }]])
  })
})

describe('summaryLines', () => {
  it('ends with the hash and has no other', () => {
    const lines = summaryLines(summarize([run(1, { hash: '0123456789abcdef0123' })]))

    expect(lines.at(-1)).toMatch(/^hash [0-9a-f]{64}$/)
    expect(lines.slice(0, -1).join('\n')).not.toMatch(/[0-9a-f]{16}/i)
  })
})
