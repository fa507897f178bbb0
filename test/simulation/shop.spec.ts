import { describe, expect, it } from 'vitest'
import { runShop } from './run-shop.js'
import { summarize } from './summary.js'

describe('shop', () => {
  it('keeps what it promises with every seed', { timeout: 120_000 }, async () => {
    const runs = []

    for (let seed = 1; seed <= 12; seed++) runs.push(await runShop(seed))

    const { violations, calls, streams, faults } = summarize(runs)
    expect(violations).toEqual([])
    expect(calls.least).toBeGreaterThanOrEqual(500)
    expect(streams.least).toBeGreaterThanOrEqual(20)
    expect(faults.least).toBeGreaterThanOrEqual(3)
  })

  it('runs alike with one seed', { timeout: 60_000 }, async () => {
    const once = await runShop(7)

    const again = await runShop(7)

    expect(again).toEqual(once)
  })
})
