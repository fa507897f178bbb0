import assert from 'node:assert/strict'
import { systemRuntime } from '../../core/index.js'

const runtime = systemRuntime()

/** Waits for `promise`; fails after `ms`, naming what did not come. */
export function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  const tooLate = late(what, ms) // made here, so that its stack names the check and not the timer
  return new Promise((resolve, reject) => {
    const timer = runtime.scheduler.schedule(() => reject(tooLate), ms)
    promise.then(resolve, reject).finally(() => timer.unsubscribe())
  })
}

/** Waits until `condition` holds, asking once a turn; fails after `ms`, naming what was waited for. */
export async function eventually(condition: () => boolean, ms: number, what: string): Promise<void> {
  const deadline = runtime.scheduler.now() + ms
  while (!condition()) {
    if (runtime.scheduler.now() > deadline) throw late(what, ms)
    await turns(1)
  }
}

/** Lets `count` turns of the event loop pass, I/O among them. */
export async function turns(count: number): Promise<void> {
  for (let index = 0; index < count; index++) await new Promise<void>(resolve => runtime.macrotask(resolve))
}

function late(what: string, ms: number): assert.AssertionError {
  return new assert.AssertionError({ message: `${what} did not come within ${ms} ms` })
}
