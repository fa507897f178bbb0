import { systemRuntime } from '../../core/index.js'
import type { Fault } from './fault.js'
import { standardInvariants } from './invariants/standard-invariants.js'
import { OneAtATime } from './one-at-a-time.js'
import {
  resolveSimulateOptions,
  type ResolvedSimulateOptions,
  type SimulateOptions,
  type Violation,
} from './simulate-options.js'
import { Simulation } from './simulation.js'
import { UnhandledErrors } from './unhandled-errors.js'
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

/** What a simulation listens to is the process's: errors that nobody handles, and which promises are made. */
const turns = new OneAtATime()

/** As `simulate`, but gives what was violated in the result. Runs that overlap wait for each other. */
export async function runSimulation(options: SimulateOptions, scenario: Scenario): Promise<SimulationResult> {
  const resolved = resolveSimulateOptions(options, standardInvariants)
  const end = await turns.turn()
  try {
    return await run(resolved, scenario)
  } finally {
    end()
  }
}

async function run(resolved: ResolvedSimulateOptions, scenario: Scenario): Promise<SimulationResult> {
  const simulation = new Simulation(resolved)
  const { realWork } = simulation
  const unhandled = new UnhandledErrors()
  unhandled.enable(realWork)
  realWork.enable()
  try {
    realWork.watch(() => {
      simulation.build(scenario)
      for (const invariant of resolved.invariants) simulation.watch(invariant)
      simulation.begin()
    })
    for (let goesOn = true; goesOn && simulation.violations.length === 0;) {
      await settled()
      while (realWork.hasUnhandled && unhandled.found.length === 0) await settled()
      for (const error of unhandled.found.splice(0)) simulation.unhandled(error)
      goesOn = simulation.violations.length === 0 && realWork.watch(() => simulation.proceed())
    }
    simulation.reportRealWork()
    realWork.watch(() => simulation.finish())
  } finally {
    realWork.disable()
    unhandled.disable()
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
