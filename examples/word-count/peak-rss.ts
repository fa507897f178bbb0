const SAMPLE_MS = 25
const MB = 1_000_000

/** Watches by how much the resident memory of this process grows from now on. */
export class PeakRss {
  private readonly before: number
  private readonly highestBefore: number
  private highest: number
  private readonly timer: NodeJS.Timeout

  constructor() {
    this.before = process.memoryUsage.rss()
    this.highestBefore = highestEver()
    this.highest = this.before
    this.timer = setInterval(() => this.sample(), SAMPLE_MS).unref()
  }

  /** Highest growth so far, MB. */
  growthMb(): number {
    this.sample()
    return Math.round((this.highest - this.before) / MB)
  }

  /** Stops watching. */
  stop(): void {
    clearInterval(this.timer)
  }

  private sample(): void {
    // The system's own mark misses nothing, but it says nothing before it is above where it has been at the start.
    const ever = highestEver()
    this.highest = Math.max(this.highest, process.memoryUsage.rss(), ever > this.highestBefore ? ever : 0)
  }
}

function highestEver(): number {
  return process.resourceUsage().maxRSS * 1024
}
