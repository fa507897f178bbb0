import type { Log } from './log.js'
import type { Runtime } from './runtime.js'

/** Events of one name in a second that reach the log; a peer must not be able to fill it. */
const EVENTS_PER_SECOND = 20

const SECOND_MS = 1000

/**
 * Passes events on to `log`, at most 20 of each name in a second. The last one is followed by `log.limited`, a warning
 * which says that the others of that second are left out.
 */
export function limitedLog(log: Log, { scheduler }: Runtime): Log {
  const counts = new Map<string, { since: number; events: number }>()
  return event => {
    const now = scheduler.now()
    let count = counts.get(event.event)
    if (count === undefined || now - count.since >= SECOND_MS) {
      count = { since: now, events: 0 }
      counts.set(event.event, count)
    }
    count.events++
    if (count.events <= EVENTS_PER_SECOND) log(event)
    if (count.events !== EVENTS_PER_SECOND) return
    log({
      level: 'warn',
      event: 'log.limited',
      message: `${EVENTS_PER_SECOND} events ${event.event} in a second, others of this second are left out`,
      fields: { event: event.event },
    })
  }
}
