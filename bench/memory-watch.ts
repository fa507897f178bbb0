/** When the memory of a process counts as its own, not as its start. */
const SETTLED_AFTER_MS = 2000
const SAMPLE_MS = 50

/** Watches how the resident memory of this process grows. */
export class MemoryWatch {
  private readonly timer: NodeJS.Timeout
  private readonly peakBefore: number
  private peak: number
  private settled: number | undefined

  constructor() {
    const begun = performance.now()
    this.peakBefore = process.resourceUsage().maxRSS
    this.peak = 0
    this.settled = undefined
    this.timer = setInterval(() => {
      const bytes = process.memoryUsage.rss()
      this.peak = Math.max(this.peak, bytes)
      if (performance.now() - begun >= SETTLED_AFTER_MS) this.settled ??= bytes
    }, SAMPLE_MS)
  }

  /** Ends it. Gives the peak of this time, less what there was after 2 s, in MB. */
  growthMb(): number {
    clearInterval(this.timer)
    const { maxRSS } = process.resourceUsage() // of the whole life, in KiB: knows what was between two samples
    if (maxRSS > this.peakBefore) this.peak = Math.max(this.peak, maxRSS * 1024)
    return Math.max(0, this.peak - (this.settled ?? 0)) / 1e6
  }
}
