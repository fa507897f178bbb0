import { RpcError } from '../../core/index.js'
import { faultScript } from './fault-marbles.js'
import { runSimulation, type SimulationResult } from './run-simulation.js'
import type { SimulateOptions, Violation } from './simulate-options.js'
import type { Scenario } from './world.js'

/** How many lines of the log an error shows. */
const LAST_LINES = 12

/**
 * Runs a cluster in one process, in virtual time: real services, clients, registry, broker and RSocket over a simulated
 * network, with faults that are drawn as marbles or from the seed.
 *
 * ```ts
 * await simulate({ seed: 7, duration: 60_000, faults: { partition: 0.1, crash: 0.05 } }, world => {
 *   world.process('words-1', ({ createService }) => createService({ actors: [words] }).run())
 *   world.process('web', ({ createClient, runtime }) => {
 *     const { count } = createClient().of(Words)
 *     return interval(100, runtime.scheduler).pipe(mergeMap(() => count('to be or not')), retry())
 *   })
 *   world.link('web', 'words', '5s x 3s o')
 * })
 * ```
 * What must always be true is checked after every event. When it is not, this rejects with FAILED_PRECONDITION (reason
 * `invariant_violated`): what, when, the last events, and the faults as the lines of a scenario.
 *
 * Promises of user code settle between events. Real timers and real I/O break the run, named with their place.
 */
export async function simulate(options: SimulateOptions, scenario: Scenario): Promise<SimulationResult> {
  const result = await runSimulation(options, scenario)
  const [violation] = result.violations
  if (violation !== undefined) throw violated(violation, result)
  return result
}

function violated({ invariant, message, at }: Violation, result: SimulationResult): RpcError {
  const { seed, log, faults } = result
  const lines = [
    `simulate: violated at ${at.toFixed(3)} ms with seed ${seed}: ${invariant}`,
    message,
    'the last events:',
    ...log.slice(-LAST_LINES).map(line => `  ${line}`),
    faults.length === 0 ? 'no faults' : 'the faults:',
    ...faults.map(fault => `  ${faultScript(fault)}`),
  ]
  return new RpcError('FAILED_PRECONDITION', lines.join('\n'), {
    reason: 'invariant_violated',
    details: { invariant, at, seed },
  })
}
