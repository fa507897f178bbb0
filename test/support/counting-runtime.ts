import { systemRuntime, type Runtime } from 'millrace/core'
import type { SchedulerLike } from 'rxjs'

/** A system runtime that knows how many of its timers are still to fire. */
export interface CountingRuntime extends Runtime {
  readonly openTimers: number
}

export function countingRuntime(): CountingRuntime {
  const system = systemRuntime()
  const open = new Set<object>()
  const schedule: SchedulerLike['schedule'] = (work, delay, state) => {
    const entry = {}
    open.add(entry)
    const timer = system.scheduler.schedule(
      function (value) {
        open.delete(entry) // RxJS leaves an action open that has run
        work.call(this, value)
      },
      delay as number,
      state as never,
    )
    timer.add(() => open.delete(entry))
    return timer
  }
  return {
    ...system,
    scheduler: { now: () => system.scheduler.now(), schedule },
    get openTimers() {
      return open.size
    },
  }
}
