import { blacklist, ejectOutliers, leastPending, p2c, random, roundRobin, type Selector } from 'millrace/selector'
import { pipe } from 'rxjs'
import { type ClusterResult, FAILING, NODES, runCluster, SLOW } from './simulated-cluster.js'

/**
 * Question: what do callers see of a cluster with a slow node and a failing one, for each strategy?
 *
 * Ten nodes in virtual time, of which one is 20 times slower and one fails 30 % of its calls; service times log-normal
 * with a median of 10 ms, Poisson arrivals at 60 % load; a call that fails is tried once more, and its time counts whole.
 * The bar: p2c with ejection is at least five times better than random at the 99th percentile.
 *
 * A tenth of the calls is more than the slow node can do: with `random` its queue grows as long as calls arrive, and the
 * percentiles tell the length of the run. So the same is run without queues too, and has to pass the same bar.
 */
const SEEDS = 10
const SECONDS = 60
const TIMES_BETTER = 5
const BASELINE = 'random'
const BEST = 'ejectOutliers, p2c'

/** What is compared. */
export const selectors: Readonly<Record<string, Selector>> = {
  [BASELINE]: random,
  roundRobin,
  leastPending,
  p2c: p2c(),
  'blacklist, random': context => pipe(blacklist(context), random(context)),
  'ejectOutliers, random': context => pipe(ejectOutliers(context), random(context)),
  'ejectOutliers, leastPending': context => pipe(ejectOutliers(context), leastPending(context)),
  [BEST]: context => pipe(ejectOutliers(context), p2c()(context)),
}

/** What callers saw of one strategy. Times are in ms, shares in percent of all tries. */
export interface Comparison {
  readonly strategy: string
  readonly p50: number
  readonly p99: number
  readonly p999: number
  /** The 99th percentile when nodes take any number of calls at once. */
  readonly p99WithoutQueues: number
  readonly errorsPercent: number
  readonly slowShare: number
  readonly failingShare: number
  readonly otherShare: number
}

/** Runs the bench. */
export async function compareSelectors(asJson: boolean): Promise<boolean> {
  const rows = Object.keys(selectors).map(strategy => compared(strategy, SEEDS, SECONDS))
  if (asJson) console.log(JSON.stringify(rows))
  else console.table(rows)
  const [baseline, best] = [BASELINE, BEST].map(name => rows.find(({ strategy }) => strategy === name))
  if (baseline === undefined || best === undefined) return false
  return baseline.p99 >= TIMES_BETTER * best.p99 && baseline.p99WithoutQueues >= TIMES_BETTER * best.p99WithoutQueues
}

/** What `seeds` runs of a strategy give together. */
export function compared(strategy: string, seeds: number, seconds: number): Comparison {
  const selector = selectors[strategy]
  if (selector === undefined) throw new Error(`no strategy ${strategy}`)
  const run = (queues: boolean): readonly ClusterResult[] =>
    Array.from({ length: seeds }, (_, seed) => runCluster(selector, { seed: 100 * seed + 1, seconds, queues }))
  const runs = run(true)
  const latencies = sortedLatencies(runs)
  const errors = runs.reduce((sum, run) => sum + run.errors, 0)
  const picks = Array.from({ length: NODES }, (_, node) => runs.reduce((sum, run) => sum + (run.picks[node] ?? 0), 0))
  const total = picks.reduce((sum, count) => sum + count, 0)
  const shareOf = (count = 0): number => rounded((100 * count) / total)
  const [slow = 0, failing = 0] = [picks[SLOW], picks[FAILING]]
  return {
    strategy,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    p999: percentile(latencies, 0.999),
    p99WithoutQueues: percentile(sortedLatencies(run(false)), 0.99),
    errorsPercent: rounded((100 * errors) / latencies.length),
    slowShare: shareOf(slow),
    failingShare: shareOf(failing),
    otherShare: shareOf((total - slow - failing) / (NODES - 2)),
  }
}

function sortedLatencies(runs: readonly ClusterResult[]): Float64Array {
  return Float64Array.from(runs.flatMap(run => run.latencies)).toSorted()
}

function percentile(sorted: Float64Array, share: number): number {
  return rounded(sorted[Math.floor(sorted.length * share)] ?? NaN)
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100
}
