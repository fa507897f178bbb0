import { now } from './monotonic-clock.js'

/** How long work on one item takes. */
export const WORK_MS = 1
/** How much of the time that coarse timers take too long may be made up for. */
const SLACK_MS = 20

/** Work that takes a millisecond an item on the average, though no timer is that exact. */
export class Pace {
  private due: number

  constructor() {
    this.due = 0
  }

  /** Works on one item without blocking. */
  work(done: () => void): void {
    const waitMs = this.next() - now()
    if (waitMs <= 0) done()
    else setTimeout(done, waitMs)
  }

  /** Works on one item, and nothing else happens meanwhile. */
  workSynchronously(): void {
    const due = this.next()
    while (now() < due);
  }

  private next(): number {
    this.due = Math.max(this.due, now() - SLACK_MS) + WORK_MS
    return this.due
  }
}
