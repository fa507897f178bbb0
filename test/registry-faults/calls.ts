/** What became of the calls of one process. */
export interface Calls {
  /** Calls that were answered. */
  readonly answered: number
  /** What the others failed with. */
  readonly failures: readonly string[]
  /** 99 of 100 answers came within, ms. */
  readonly p99Ms: number
  /** All answers came within, ms. */
  readonly slowestMs: number
  /** How often a watch became stale. */
  readonly staleWatches: number
  /** The longest that one stayed so, ms. */
  readonly longestStaleMs: number
}
