/** Calls of one node in one interval. */
export interface Tally {
  /** Calls that ended well. */
  readonly ok: number
  /** Faults of the node. */
  readonly faults: number
}

/** Least number of nodes that can be compared. */
const MIN_NODES = 5

/** Least number of calls that a success rate is made of. */
const MIN_CALLS_OF_RATE = 100

/** How far below the mean an outlier is, in standard deviations. */
const DEVIATIONS = 1.9

/** What rounding may make of equal rates. */
const ROUNDING = 1e-9

/** Least number of calls that a share of faults is made of. */
const MIN_CALLS_OF_SHARE = 50

/** The share of faults that speaks for itself. */
const MAX_FAULTS = 0.85

/**
 * Those that are bad beside the others, by Envoy's two comparisons (success rate and failure percentage), the worst
 * first.
 */
export function outliersOf<T extends Tally>(tallies: readonly T[]): readonly T[] {
  const found = new Set([...byRate(tallies), ...byShare(tallies)])
  return [...found].toSorted((first, second) => rateOf(first) - rateOf(second))
}

function byRate<T extends Tally>(tallies: readonly T[]): readonly T[] {
  const busy = tallies.filter(tally => callsOf(tally) >= MIN_CALLS_OF_RATE)
  if (busy.length < MIN_NODES) return []
  const mean = busy.reduce((sum, tally) => sum + rateOf(tally), 0) / busy.length
  const variance = busy.reduce((sum, tally) => sum + (rateOf(tally) - mean) * (rateOf(tally) - mean), 0) / busy.length
  const least = mean - DEVIATIONS * Math.sqrt(variance)
  return busy.filter(tally => rateOf(tally) < least - ROUNDING)
}

function byShare<T extends Tally>(tallies: readonly T[]): readonly T[] {
  const busy = tallies.filter(tally => callsOf(tally) >= MIN_CALLS_OF_SHARE)
  return busy.length < MIN_NODES ? [] : busy.filter(tally => 1 - rateOf(tally) >= MAX_FAULTS)
}

function callsOf({ ok, faults }: Tally): number {
  return ok + faults
}

function rateOf(tally: Tally): number {
  return tally.ok / callsOf(tally)
}
