import { createHash } from 'node:crypto'
import { map, toArray, type OperatorFunction } from 'rxjs'
import type { ExploredRun } from './explore-options.js'
import type { Violation } from './simulate-options.js'

/** What was violated with which seed. */
export interface FailingSeed extends Violation {
  /** The seed. */
  readonly seed: number
}

/** What many runs were together. */
export interface ExplorationReport {
  /** How many runs. */
  readonly seeds: number
  /** Events that happened. */
  readonly events: number
  /** Virtual time, ms. */
  readonly virtualMs: number
  /** Calls that were made. */
  readonly calls: number
  /** Faults that were injected. */
  readonly faults: number
  /** The seeds that violated something, in ascending order. */
  readonly failures: readonly FailingSeed[]
  /** SHA-256 over seed and hash of every run, in ascending order of the seeds. */
  readonly hash: string
}

/**
 * Sums up runs when the last one has come. They may come in any order, and from several explorations: of workers that
 * explore different seeds, `merge(...).pipe(toReport())` makes the report that one exploration of all would make.
 */
export function toReport(): OperatorFunction<ExploredRun, ExplorationReport> {
  return runs$ => runs$.pipe(toArray(), map(report))
}

function report(unordered: readonly ExploredRun[]): ExplorationReport {
  const runs = unordered.toSorted((a, b) => a.seed - b.seed)
  const digest = createHash('sha256')
  for (const { seed, hash } of runs) digest.update(`${seed} ${hash}\n`)
  const sum = (of: (run: ExploredRun) => number): number => runs.reduce((total, run) => total + of(run), 0)
  return {
    seeds: runs.length,
    events: sum(({ events }) => events),
    virtualMs: sum(({ virtualMs }) => virtualMs),
    calls: sum(({ calls }) => calls),
    faults: sum(({ faults }) => faults),
    failures: runs.flatMap(({ seed, violation }) => (violation === undefined ? [] : [{ seed, ...violation }])),
    hash: digest.digest('hex'),
  }
}
