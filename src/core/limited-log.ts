import type { Log, LogEvent } from './log.js'
import type { Runtime } from './runtime.js'

/** How much of each name a {@link limitedLog} lets through. */
export interface LogLimit {
  /** Most events of one name in `everyMs`. @default 20 */
  readonly lines?: number
  /** Length of a window, which begins with the first event of a name after the last one, ms. @default 1000 */
  readonly everyMs?: number
}

/**
 * Passes on the first `lines` events of each name in a window of `everyMs`, at once, and keeps the others back; the next
 * one that passes says how many. Who is outside must not be able to fill a disk.
 */
export function limitedLog(log: Log, { scheduler }: Runtime, { lines = 20, everyMs = 1000 }: LogLimit = {}): Log {
  const windows = new Map<string, Window>()
  return event => {
    const now = scheduler.now()
    const last = windows.get(event.event)
    if (last === undefined || now >= last.until) {
      windows.set(event.event, { until: now + everyMs, passed: 1, keptBack: 0 })
      return log(withCount(event, last?.keptBack ?? 0))
    }
    if (last.passed >= lines) {
      last.keptBack++
      return
    }
    last.passed++
    log(event)
  }
}

interface Window {
  readonly until: number
  passed: number
  keptBack: number
}

function withCount(event: LogEvent, keptBack: number): LogEvent {
  if (keptBack === 0) return event
  return { ...event, message: `${event.message} (and ${keptBack} more since the last line)` }
}
