import { config } from 'rxjs'
import { RpcError, systemRuntime } from '../../core/index.js'
import { faultScript } from './fault-marbles.js'
import type { Fault } from './fault.js'
import { standardInvariants } from './invariants/standard-invariants.js'
import { resolveSimulateOptions, type SimulateOptions, type Violation } from './simulate-options.js'
import { SimulatedWorld } from './simulated-world.js'
import type { World } from './world.js'

/** Puts a cluster together. */
export type Scenario = (world: World) => void

/** What a run was. */
export interface SimulationResult {
  /** Its seed. */
  readonly seed: number
  /** Virtual time, ms: the duration, or less when something was violated. */
  readonly virtualMs: number
  /** Events that happened. */
  readonly events: number
  /** Calls that were made. */
  readonly calls: number
  /** What went wrong, by plan. */
  readonly faults: readonly Fault[]
  /** What was not as it must be; the run ends with the event of the first. */
  readonly violations: readonly Violation[]
  /** Every event, line by line. */
  readonly log: readonly string[]
  /** SHA-256 of all of it, bytes of frames included: equal for one seed on every machine. */
  readonly hash: string
}

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

/** As `simulate`, but gives what was violated in the result. */
export async function runSimulation(options: SimulateOptions, scenario: Scenario): Promise<SimulationResult> {
  const resolved = resolveSimulateOptions(options, standardInvariants)
  const world = new SimulatedWorld(resolved)
  const { realWork } = world
  const unhandled: unknown[] = []
  const { onUnhandledError } = config
  config.onUnhandledError = error => void unhandled.push(error)
  realWork.enable()
  try {
    realWork.watch(() => {
      scenario(world)
      for (const invariant of resolved.invariants) world.invariant(invariant)
      world.begin()
    })
    await settled()
    while (realWork.watch(() => world.proceed()) && world.violations.length === 0) await settled()
    if (realWork.hasUnhandled) {
      while (unhandled.length === 0) await settled()
      world.violated('errors are handled', `nobody handled ${String(unhandled[0])}`)
    }
    world.reportRealWork()
    realWork.watch(() => world.finish())
  } finally {
    realWork.disable()
    config.onUnhandledError = onUnhandledError
  }
  const { events, faults, violations, log, observer } = world
  return {
    seed: resolved.seed,
    virtualMs: world.now(),
    events,
    calls: observer.count,
    faults,
    violations,
    log: log.lines,
    hash: log.hash(),
  }
}

/** The micro-tasks have run, and those that they have made. */
function settled(): Promise<void> {
  return new Promise(resolve => systemRuntime().macrotask(resolve))
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
