import { systemRuntime, type Runtime } from 'millrace/core'
import { STALLED_AFTER_MS } from 'millrace/streams'
import type { SchedulerLike } from 'rxjs'

/** A system runtime for which nothing moves for 5 s after 50 ms, so that stalls are told in time for a test. */
export function impatientRuntime(): Runtime {
  const system = systemRuntime()
  const schedule: SchedulerLike['schedule'] = (work, delay, state) =>
    system.scheduler.schedule(work, delay === STALLED_AFTER_MS ? 50 : (delay as number), state as never)
  return { ...system, scheduler: { now: () => system.scheduler.now(), schedule } }
}
