import type { MemoryUse } from './memory-watch.js'

/** How far a run goes. */
export interface FuzzOptions {
  /** Frames that are to be read. */
  readonly frames: number
  /** What everything is drawn from. */
  readonly seed: number
  /** Told now and then how many frames have been read. @default nobody is told */
  readonly onProgress?: (frames: number) => void
}

/** What a run has found. */
export interface FuzzReport {
  readonly seed: number
  /** Frames that were read. */
  readonly frames: number
  /** Frames behind one that ended the connection. */
  readonly unread: number
  /** Hostile connections, by who was attacked. */
  readonly connections: { readonly client: number; readonly server: number }
  /** Frames by what became of them. */
  readonly outcomes: Readonly<Record<string, number>>
  /** Calls of the well-behaved client beside the hostile ones that went as they should, and the time of the slowest. */
  readonly wellBehaved: { readonly calls: number; readonly slowestMs: number }
  /** Memory of the process under attack. */
  readonly memory: MemoryUse
  /** What must not happen and did; empty when all is well. */
  readonly failures: readonly string[]
}
