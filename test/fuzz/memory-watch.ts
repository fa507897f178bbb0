import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Memory of a process during a run, MB. */
export interface MemoryUse {
  /** What the heap holds after the run, beyond what it held when watching began. */
  readonly heapGrowthMb: number
  /** The most that the process took from the system, beyond what it had when watching began. */
  readonly rssGrowthMb: number
  /** The most that the process took from the system. */
  readonly peakRssMb: number
}

/** Watches the memory of this process. */
export class MemoryWatch {
  private first: NodeJS.MemoryUsage | undefined
  private peakRss: number

  constructor() {
    this.first = undefined
    this.peakRss = 0
  }

  /** Begins, unless it has begun. */
  start(): void {
    if (this.first !== undefined) return
    collectGarbage()
    this.first = process.memoryUsage()
  }

  /** Looks at the memory. */
  sample(): void {
    this.peakRss = Math.max(this.peakRss, process.memoryUsage.rss())
  }

  /** Ends, and gives what was seen. */
  stop(): MemoryUse {
    this.start()
    this.sample()
    collectGarbage()
    const { heapUsed = 0, rss = 0, external = 0 } = this.first ?? {}
    const last = process.memoryUsage()
    return {
      heapGrowthMb: megabytes(last.heapUsed + last.external - heapUsed - external),
      rssGrowthMb: megabytes(Math.max(0, this.peakRss - rss)),
      peakRssMb: megabytes(this.peakRss),
    }
  }
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e5) / 10
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
}
