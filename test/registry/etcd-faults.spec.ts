import { describe, expect, it } from 'vitest'
import { runScenario } from '../registry-faults/run-scenario.js'
import { quickScenarios } from '../registry-faults/scenarios.js'

/** How soon is measured by `npm run test:faults`, on a machine that does nothing else. */
const ANY_TIME_MS = 30_000

describe.concurrent('etcd', () => {
  it.each(quickScenarios)('heals when it is $name', { timeout: 120_000 }, async scenario => {
    const { failures } = await runScenario(scenario, ANY_TIME_MS)

    expect(failures).toEqual([])
  })
})
