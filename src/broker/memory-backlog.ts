import { Subscription } from 'rxjs'
import { RingBuffer, type Runtime } from '../core/index.js'
import { KeyOrder } from './key-order.js'
import type { Queued } from './memory-event.js'

/** How a {@link MemoryBacklog} works. */
export interface MemoryBacklogOptions {
  /** Time. */
  readonly runtime: Runtime
  /** Whether messages of one key wait for each other. */
  readonly ordered: boolean
  /** Hears that something has become due. */
  readonly onDue: () => void
}

/**
 * The messages of one group that are not at a member. Each is in one place: in `again` or `fresh` it is due, in `delayed`
 * it waits for its time, in `order` for the one before it with the same key, which is given or delayed.
 */
export class MemoryBacklog {
  private readonly options: MemoryBacklogOptions
  private readonly fresh: RingBuffer<Queued>
  /** Goes before what is fresh, for it is older. */
  private readonly again: RingBuffer<Queued>
  private readonly delayed: Set<Queued>
  private readonly order: KeyOrder<Queued>
  private readonly timers: Subscription

  constructor(options: MemoryBacklogOptions) {
    this.options = options
    this.fresh = new RingBuffer()
    this.again = new RingBuffer()
    this.delayed = new Set()
    this.order = new KeyOrder()
    this.timers = new Subscription()
  }

  /** How many messages there are. */
  get length(): number {
    return this.due + this.delayed.size + this.order.length
  }

  /** How many wait for nothing but room at a member, or the one before it with the same key. */
  get due(): number {
    return this.fresh.length + this.again.length
  }

  /** Adds a message that has not been delivered yet. */
  add(queued: Queued): void {
    this.fresh.push(queued)
  }

  /** Adds one that is to come again, `waitMs` from now. Its key stays its own meanwhile. */
  addAgain(queued: Queued, waitMs: number): void {
    if (waitMs === 0) {
      this.again.push(queued)
      return
    }
    this.delayed.add(queued)
    const timer = this.options.runtime.scheduler.schedule(() => {
      this.timers.remove(timer)
      this.delayed.delete(queued)
      this.again.push(queued)
      this.options.onDue()
    }, waitMs)
    this.timers.add(timer)
  }

  /** Takes out the next that is due and may be delivered. */
  take(): Queued | undefined {
    const again = this.again.shift()
    if (again !== undefined) return again
    let next = this.fresh.shift()
    while (next !== undefined && this.options.ordered && !this.order.admit(next)) next = this.fresh.shift()
    return next
  }

  /** Takes out the oldest of those that are due and have never been delivered, to be lost. */
  takeFresh(): Queued | undefined {
    return this.fresh.shift()
  }

  /** A message that was given is not coming again: the next of its key may be given. */
  done(queued: Queued): void {
    const next = this.options.ordered ? this.order.done(queued) : undefined
    if (next !== undefined) this.again.push(next)
  }

  /** Ends it, and gives what it had. */
  end(): readonly Queued[] {
    this.timers.unsubscribe()
    const left = [...emptied(this.again), ...this.delayed, ...emptied(this.fresh), ...this.order.clear()]
    this.delayed.clear()
    return left
  }
}

function emptied(buffer: RingBuffer<Queued>): readonly Queued[] {
  const items: Queued[] = []
  for (let item = buffer.shift(); item !== undefined; item = buffer.shift()) items.push(item)
  return items
}
