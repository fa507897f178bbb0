import { faultScript } from './fault-marbles.js'
import type { Fault } from './fault.js'
import type { SimulateOptions } from './simulate-options.js'
import type { Scenario } from './world.js'

/**
 * Writes a run as the lines of a test: the scenario by its name, and the faults as marbles. `invariants`, if the options
 * have any, are taken for a variable of that name.
 */
export function scenarioScript(scenario: Scenario, options: SimulateOptions, faults: readonly Fault[]): string {
  const { seed, duration, leaseMs, latencyMs, invariants } = options
  const written = [
    `seed: ${seed}`,
    `duration: ${duration}`,
    ...(leaseMs === undefined ? [] : [`leaseMs: ${leaseMs}`]),
    ...(latencyMs === undefined ? [] : [`latencyMs: ${latencyScript(latencyMs)}`]),
    ...(invariants === undefined ? [] : ['invariants']),
  ]
  const name = /^[\w$]+$/.test(scenario.name) ? scenario.name : 'scenario'
  return [
    `await simulate({ ${written.join(', ')} }, world => {`,
    `  ${name}(world)`,
    ...faults.map(fault => `  ${faultScript(fault, duration)}`),
    '})',
  ].join('\n')
}

function latencyScript({ min, median, max }: NonNullable<SimulateOptions['latencyMs']>): string {
  return `{ min: ${min}, median: ${median}, max: ${max} }`
}
