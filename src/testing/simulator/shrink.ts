import { Observable } from 'rxjs'
import { integer, optional, resolveOptions, RpcError } from '../../core/index.js'
import { FailingRun } from './failing-run.js'
import type { Fault } from './fault.js'
import { runSimulation } from './run-simulation.js'
import { scenarioScript } from './scenario-script.js'
import type { SimulateOptions, Violation } from './simulate-options.js'
import { shrinkPlan } from './smaller-plans.js'
import type { Scenario } from './world.js'

/** Options of `shrink`. */
export interface ShrinkOptions {
  /** Most runs that it takes. @default 500 */
  readonly maxRuns?: number
}

/** A run that fails as the one that was given to `shrink` does. */
export interface ShrunkRun {
  /** Options with which `simulate` runs it again. */
  readonly options: SimulateOptions & { readonly faults: readonly Fault[] }
  /** What it violates: the same invariant. */
  readonly violation: Violation
  /** The run as lines of a test: the call of `simulate`, with the faults as marbles. */
  readonly script: string
  /** How many runs have been tried so far. */
  readonly runs: number
}

/**
 * Reduces a failing run to the fewest faults and the shortest time: emits the run with its faults one by one, and then
 * every smaller one that violates the same invariant; the last is the smallest.
 *
 * ```ts
 * const { script } = await lastValueFrom(shrink(shop, { ...options, seed: 7 }))
 * ```
 * The seed stays, and the faults that the scenario itself draws. Faults are left out, moved to earlier times, and made
 * shorter; times become such as read well. What is left depends on the scenario and the options alone.
 * Unsubscribing ends the search after the present run.
 *
 * Fails with FAILED_PRECONDITION (reason `nothing_violated`) when the given run does not fail.
 * Throws INVALID_ARGUMENT (reason `invalid_options`) for options that are none.
 */
export function shrink(scenario: Scenario, failing: SimulateOptions, options?: ShrinkOptions): Observable<ShrunkRun> {
  const { maxRuns } = resolveOptions<Required<ShrinkOptions>>(
    'shrink',
    { maxRuns: optional(integer({ min: 1 }), 500) },
    options,
  )
  return new Observable(subscriber => {
    const found = ({ plan, violation, runs }: FailingRun): void => {
      const reduced = { ...failing, ...plan }
      subscriber.next({ options: reduced, violation, script: scenarioScript(scenario, reduced, plan.faults), runs })
    }
    const goesOn = (runs: number): boolean => runs < maxRuns && !subscriber.closed
    search(scenario, failing, { found, goesOn }).then(
      () => subscriber.complete(),
      (error: unknown) => subscriber.error(error),
    )
  })
}

async function search(
  scenario: Scenario,
  failing: SimulateOptions,
  watch: ConstructorParameters<typeof FailingRun>[3],
): Promise<void> {
  const { injected, violations } = await runSimulation(failing, scenario)
  const [violation] = violations
  if (violation === undefined) throw nothingViolated(failing.seed)
  const plan = { faults: injected, duration: failing.duration }
  const run = new FailingRun(scenario, failing, { plan, violation }, watch)
  watch.found(run)
  await shrinkPlan(run)
}

function nothingViolated(seed: number): RpcError {
  return new RpcError('FAILED_PRECONDITION', `shrink: with seed ${seed} nothing is violated, and nothing to shrink`, {
    reason: 'nothing_violated',
    details: { seed },
  })
}
