import { integer, optional, resolveOptions } from '../../core/index.js'
import { runChecks, seedCheck, type ResolvedSimulateOptions, type SimulateOptions } from './simulate-options.js'
import type { Invariant } from './observed.js'
import type { Violation } from './simulate-options.js'

/** Options of `explore`: those of each run, and which seeds. */
export interface ExploreOptions extends Omit<SimulateOptions, 'seed'> {
  /** How many seeds. @default 1000 */
  readonly seeds?: number
  /** The first; the others follow it. @default 1 */
  readonly firstSeed?: number
}

/** Options of `explore`, filled and checked. */
export interface ResolvedExploreOptions extends Omit<ResolvedSimulateOptions, 'seed'> {
  /** How many seeds. */
  readonly seeds: number
  /** The first. */
  readonly firstSeed: number
}

/** What one seed led to; plain data, which workers can send each other. */
export interface ExploredRun {
  /** The seed. */
  readonly seed: number
  /** Virtual time, ms: the duration, or less when something was violated. */
  readonly virtualMs: number
  /** Events that happened. */
  readonly events: number
  /** Calls that were made. */
  readonly calls: number
  /** Faults that were injected. */
  readonly faults: number
  /** What was violated; `undefined` in a run that was as it must be. */
  readonly violation: Violation | undefined
  /** SHA-256 of all that happened. */
  readonly hash: string
}

/** Fills and checks the options; `standard` is what is checked by default. */
export function resolveExploreOptions(options: ExploreOptions, standard: readonly Invariant[]): ResolvedExploreOptions {
  const checks = {
    seeds: optional(integer({ min: 1, max: 0x7fff_ffff }), 1000),
    firstSeed: optional(seedCheck, 1),
    ...runChecks(options?.duration, standard),
  }
  return resolveOptions('explore', checks, options)
}
