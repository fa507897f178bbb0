import { describe, expect, it } from 'vitest'
import { runScenario } from '../registry-faults/run-scenario.js'
import { quickScenarios } from '../registry-faults/scenarios.js'

describe.concurrent('etcd', () => {
  it.each(quickScenarios)('heals when it is $name', { timeout: 60_000 }, async scenario => {
    const { failures } = await runScenario(scenario)

    expect(failures).toEqual([])
  })
})
