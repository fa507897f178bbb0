import { runSimulation } from './run-simulation.js'
import type { Fault } from './fault.js'
import type { SimulateOptions, Violation } from './simulate-options.js'
import type { Scenario } from './world.js'

/** A plan that breaks an invariant. */
export interface FailingPlan {
  /** What goes wrong. */
  readonly faults: readonly Fault[]
  /** How long the run lasts, ms. */
  readonly duration: number
}

/** Says of plans whether they still fail, and remembers the latest that did. Gives up after some runs. */
export class FailingRun {
  /** The latest plan that failed. */
  plan: FailingPlan
  /** What it violated. */
  violation: Violation
  /** Runs so far. */
  runs: number
  private readonly scenario: Scenario
  private readonly options: SimulateOptions
  private readonly goesOn: (runs: number) => boolean
  private readonly found: (run: FailingRun) => void
  private readonly tried: Set<string>

  constructor(
    scenario: Scenario,
    options: SimulateOptions,
    first: { readonly plan: FailingPlan; readonly violation: Violation },
    watch: { readonly goesOn: (runs: number) => boolean; readonly found: (run: FailingRun) => void },
  ) {
    this.plan = first.plan
    this.violation = first.violation
    this.runs = 1
    this.scenario = scenario
    this.options = options
    this.goesOn = watch.goesOn
    this.found = watch.found
    this.tried = new Set([JSON.stringify(first.plan)])
  }

  /** Goes on with a smaller plan, if it violates the same invariant. */
  async attempt(change: Partial<FailingPlan>): Promise<boolean> {
    const plan: FailingPlan = { ...this.plan, ...change }
    const key = JSON.stringify(plan)
    if (this.tried.has(key) || !this.goesOn(this.runs)) return false
    this.tried.add(key)
    this.runs++
    const { violations } = await runSimulation({ ...this.options, ...plan }, this.scenario)
    const violation = violations.find(({ invariant }) => invariant === this.violation.invariant)
    if (violation === undefined) return false
    this.plan = plan
    this.violation = violation
    this.found(this)
    return true
  }
}
