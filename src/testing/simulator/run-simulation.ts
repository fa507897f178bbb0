import { config } from 'rxjs'
import { systemRuntime } from '../../core/index.js'
import type { Fault } from './fault.js'
import { standardInvariants } from './invariants/standard-invariants.js'
import { resolveSimulateOptions, type SimulateOptions, type Violation } from './simulate-options.js'
import { Simulation } from './simulation.js'
import type { Scenario } from './world.js'

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
  /** What went wrong, by plan: what the scenario drew, and then what the options led to. */
  readonly faults: readonly Fault[]
  /** What the options led to; as `faults` of another run with this seed they make it the same. */
  readonly injected: readonly Fault[]
  /** What was not as it must be; the run ends with the event of the first. */
  readonly violations: readonly Violation[]
  /** Every event, line by line. */
  readonly log: readonly string[]
  /** SHA-256 of all of it, bytes of frames included: equal for one seed on every machine. */
  readonly hash: string
}

/** As `simulate`, but gives what was violated in the result. */
export async function runSimulation(options: SimulateOptions, scenario: Scenario): Promise<SimulationResult> {
  const resolved = resolveSimulateOptions(options, standardInvariants)
  const simulation = new Simulation(resolved)
  const { realWork } = simulation
  const unhandled: unknown[] = []
  const { onUnhandledError } = config
  config.onUnhandledError = error => void unhandled.push(error)
  realWork.enable()
  try {
    realWork.watch(() => {
      scenario(simulation.world)
      for (const invariant of resolved.invariants) simulation.watch(invariant)
      simulation.begin()
    })
    await settled()
    while (realWork.watch(() => simulation.proceed()) && simulation.violations.length === 0) await settled()
    if (realWork.hasUnhandled) {
      while (unhandled.length === 0) await settled()
      simulation.violated('errors are handled', `nobody handled ${String(unhandled[0])}`)
    }
    simulation.reportRealWork()
    realWork.watch(() => simulation.finish())
  } finally {
    realWork.disable()
    config.onUnhandledError = onUnhandledError
  }
  const { events, faults, injected, violations, log, observer } = simulation
  return {
    seed: resolved.seed,
    virtualMs: simulation.now(),
    events,
    calls: observer.count,
    faults,
    injected,
    violations,
    log: log.lines,
    hash: log.hash(),
  }
}

/** The micro-tasks have run, and those that they have made. */
function settled(): Promise<void> {
  return new Promise(resolve => systemRuntime().macrotask(resolve))
}
