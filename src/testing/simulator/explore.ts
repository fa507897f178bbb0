import { concatMap, range, type Observable } from 'rxjs'
import { RpcError } from '../../core/index.js'
import { resolveExploreOptions, type ExploredRun, type ExploreOptions } from './explore-options.js'
import { standardInvariants } from './invariants/standard-invariants.js'
import { runSimulation, type SimulationResult } from './run-simulation.js'
import type { SimulateOptions } from './simulate-options.js'
import type { Scenario } from './world.js'

/**
 * Runs a scenario with many seeds, one after the other, and emits what each led to.
 *
 * ```ts
 * const runs$ = explore(shop, { seeds: 1000, duration: 60_000, faults: { partition: 0.1, crash: 0.05 } })
 * const { failures } = await lastValueFrom(runs$.pipe(tap(showProgress), toReport()))
 * ```
 * A run that violates something is told, not thrown: the others follow it. Unsubscribing ends the exploration after the
 * present run.
 *
 * The first seed and each that fails run twice. When the second run is another, the Observable fails with
 * FAILED_PRECONDITION (reason `not_repeatable`), which names the first event that was different.
 * Throws INVALID_ARGUMENT (reason `invalid_options`) for options that are none.
 */
export function explore(scenario: Scenario, options: ExploreOptions): Observable<ExploredRun> {
  const { seeds, firstSeed, ...others } = resolveExploreOptions(options, standardInvariants)
  return range(firstSeed, seeds).pipe(concatMap(seed => explored(scenario, { ...others, seed }, seed === firstSeed)))
}

async function explored(scenario: Scenario, options: SimulateOptions, isFirst: boolean): Promise<ExploredRun> {
  const once = await runSimulation(options, scenario)
  const [violation] = once.violations
  if (isFirst || violation !== undefined) expectSame(once, await runSimulation(options, scenario))
  const { seed, virtualMs, events, calls, faults, hash } = once
  return { seed, virtualMs, events, calls, faults: faults.length, violation, hash }
}

function expectSame(once: SimulationResult, again: SimulationResult): void {
  if (once.hash === again.hash) return
  const { seed } = once
  const length = Math.max(once.log.length, again.log.length)
  let line = 0
  while (line < length && once.log[line] === again.log[line]) line++
  const difference =
    line === length
      ? ['All lines are equal, but not all bytes of frames.']
      : [
          `Line ${line + 1} is the first that differs:`,
          `  at first  ${once.log[line] ?? 'nothing more'}`,
          `  then      ${again.log[line] ?? 'nothing more'}`,
        ]
  const message = [
    `explore: seed ${seed} does not lead to the same events twice, so that no failure could be repeated.`,
    ...difference,
    'Usual causes: state that outlives a run, as variables of a module do; Date.now(), new Date() and performance.now();',
    'Math.random() and crypto.randomUUID(). Make state within the scenario; time and chance come from context.runtime.',
  ]
  throw new RpcError('FAILED_PRECONDITION', message.join('\n'), {
    reason: 'not_repeatable',
    details: { seed, line: line + 1 },
  })
}
