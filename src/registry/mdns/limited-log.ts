import type { Log, LogEvent, Runtime } from '../../core/index.js'

/**
 * A log that passes on one event of each name in `everyMs`, and then says how many it has kept back:
 * whoever can send packets must not be able to fill a disk.
 */
export function limitedLog(log: Log, runtime: Runtime, everyMs: number): Log {
  const windows = new Map<string, Window>()
  return event => {
    const now = runtime.scheduler.now()
    const window = windows.get(event.event)
    if (window !== undefined && now < window.until) {
      window.keptBack++
      return
    }
    windows.set(event.event, { until: now + everyMs, keptBack: 0 })
    log(withCount(event, window?.keptBack ?? 0))
  }
}

interface Window {
  until: number
  keptBack: number
}

function withCount(event: LogEvent, keptBack: number): LogEvent {
  if (keptBack === 0) return event
  return { ...event, message: `${event.message} (and ${keptBack} more since the last line)` }
}
