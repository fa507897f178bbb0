import * as E from 'fp-ts/lib/Either.js'
import {
  having,
  integer,
  listOf,
  MAX_TIMER_MS,
  optional,
  resolveOptions,
  type Check,
  type Checks,
} from '../../core/index.js'
import { faultsCheck } from './check-faults.js'
import type { FaultRates } from './draw-faults.js'
import type { Fault } from './fault.js'
import type { Invariant } from './observed.js'

/** How long frames take between two processes, ms. */
export interface SimulatedLatency {
  /** The least. */
  readonly min: number
  /** Half of all frames take no longer. */
  readonly median: number
  /** The most. */
  readonly max: number
}

/** Options of `simulate`. */
export interface SimulateOptions {
  /** Any 32-bit integer; the same seed gives the same events, to the byte. */
  readonly seed: number
  /** Virtual time that the run lasts, ms. */
  readonly duration: number
  /**
   * What goes wrong: how many faults of each kind begin per virtual second in the whole cluster, drawn from the seed,
   * as in `{ partition: 0.1, crash: 0.05 }`; or a list of them, as a result has it. @default none
   */
  readonly faults?: FaultRates | readonly Fault[]
  /** Quiet time at the end, ms: drawn faults are over before it. @default a quarter of `duration`, at most 20_000 */
  readonly settleMs?: number
  /** How long frames take. @default 0.1 at least, 0.5 half of them, 50 at most */
  readonly latencyMs?: SimulatedLatency
  /** How long the registry remembers a process that it does not hear of, ms, at least 1000. @default 5000 */
  readonly leaseMs?: number
  /** What is checked, beside what the scenario adds. @default standardInvariants */
  readonly invariants?: readonly Invariant[]
}

/** Options of `simulate`, filled and checked. */
export interface ResolvedSimulateOptions extends Required<SimulateOptions> {}

/** From `min` over `median` to `max`. */
const latencyCheck: Check<SimulatedLatency> = (value, name) => {
  const checked = having<SimulatedLatency>('min', 'median', 'max')(value, name)
  if (E.isLeft(checked)) return checked
  const { min, median, max } = checked.right
  return min >= 0 && min <= median && median <= max && max < Infinity
    ? checked
    : E.left([`${name}: expected 0 ≤ min ≤ median ≤ max, got ${min}, ${median} and ${max}`])
}

/** Something that was not as it must be. */
export interface Violation {
  /** What must always be true. */
  readonly invariant: string
  /** What was not, with numbers. */
  readonly message: string
  /** When, ms. */
  readonly at: number
}

/** Fills and checks the options; `standard` is what is checked by default. */
export function resolveSimulateOptions(
  options: SimulateOptions,
  standard: readonly Invariant[],
): ResolvedSimulateOptions {
  return resolveOptions('simulate', { seed: seedCheck, ...runChecks(options?.duration, standard) }, options)
}

/** Any 32-bit integer. */
export const seedCheck: Check<number> = integer({ min: -0x8000_0000, max: 0xffff_ffff })

/** The checks of all options but the seed, for a run of `duration`. */
export function runChecks(
  duration: unknown,
  standard: readonly Invariant[],
): Checks<Omit<ResolvedSimulateOptions, 'seed'>> {
  const quarter = typeof duration === 'number' ? Math.min(20_000, Math.floor(duration / 4)) : 0
  return {
    duration: integer({ min: 1, max: MAX_TIMER_MS }),
    faults: optional(faultsCheck, {}),
    settleMs: optional(integer({ min: 0, max: MAX_TIMER_MS }), quarter),
    latencyMs: optional(latencyCheck, { min: 0.1, median: 0.5, max: 50 }),
    leaseMs: optional(integer({ min: 1000, max: 4_500_000 }), 5000),
    invariants: optional(listOf(having<Invariant>('name', 'violations')), standard),
  }
}
