import { describe, expect, it } from 'vitest'
import { compared } from '../../bench/selectors.bench.js'

// A short version of `npm run bench -- selectors`, which has the figures of all strategies.
const SEEDS = 2
const SECONDS = 60

describe('p2c behind ejectOutliers', () => {
  const baseline = compared('random', SEEDS, SECONDS)
  const best = compared('ejectOutliers, p2c', SEEDS, SECONDS)

  it('is five times better than random at p99', () => {
    expect(baseline.p99 / best.p99).toBeGreaterThan(5)
  })

  it('is so without queues too', () => {
    expect(baseline.p99WithoutQueues / best.p99WithoutQueues).toBeGreaterThan(5)
  })

  it('sends less to slow and failing nodes', () => {
    expect(best.slowShare).toBeLessThan(2)
    expect(best.failingShare).toBeLessThan(5)
  })
})
