/** What one round measured. */
export interface Figures {
  readonly perSecond: number
  readonly p50Us: number
  readonly p99Us: number
}

/** The figures of a round that took `elapsedMs`, one latency (ms) for each thing that was done. */
export function figuresOf(latencies: readonly number[], elapsedMs: number): Figures {
  const sorted = Float64Array.from(latencies).toSorted()
  const us = (quantile: number): number => Math.round((sorted[Math.floor(sorted.length * quantile)] ?? 0) * 1000)
  return { perSecond: Math.round((latencies.length / elapsedMs) * 1000), p50Us: us(0.5), p99Us: us(0.99) }
}
