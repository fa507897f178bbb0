import { Subscription } from 'rxjs'
import type { Runtime } from '../core/index.js'

/** Runs `task` after `delayMs`, without delay in the next turn; never at once. */
export function later(runtime: Runtime, delayMs: number, task: () => void): Subscription {
  if (delayMs > 0) return runtime.scheduler.schedule(() => task(), delayMs)
  const ticket = new Subscription()
  runtime.macrotask(() => {
    if (!ticket.closed) task()
  })
  return ticket
}
