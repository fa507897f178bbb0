import type { Subscription } from 'rxjs'
import { consoleLog, type Log, type Runtime } from '../core/index.js'

/**
 * Nothing has moved for a while although items are held back: the consumer waits for something that cannot come before
 * it lets go. docs/flow-control.md lists the usual causes.
 */
export interface Stalled {
  /** The operator or endpoint, `pacedMap` or `words.tally`. */
  readonly where: string
  /** Items taken in so far. */
  readonly requests: number
  /** Items let go of so far. */
  readonly replies: number
  /** How long nothing has moved at least, ms; it may be up to twice as long. */
  readonly forMs: number
}

/** Options of everything that can stall. */
export interface StallOptions {
  /** How long nothing must move before `onStalled` is told, ms. @default 5000 */
  readonly stalledAfterMs?: number
  /** Told once a stall. @default writes a warning to the console */
  readonly onStalled?: (event: Stalled) => void
}

/** How long nothing must move before it counts as a stall, ms. */
export const STALLED_AFTER_MS = 5000

/** Writes stalls to a log, as warnings: an `onStalled`. */
export function stalledTo(log: Log): (event: Stalled) => void {
  return event => log({ level: 'warn', event: 'stalled', message: sentence(event), fields: { ...event } })
}

function sentence({ where, requests, replies, forMs }: Stalled): string {
  return `${where}: ${requests - replies} of ${requests} items are held and none was let go for ${forMs} ms, see docs/flow-control.md#stalled`
}

/**
 * Watches something that takes items in and lets them go. It costs one timer per `afterMs` while items are held,
 * and two counters an item.
 */
export class StallWatch {
  private readonly where: string
  private readonly afterMs: number
  private readonly report: (event: Stalled) => void
  private readonly runtime: Runtime
  private requests: number
  private replies: number
  private moves: number
  private seen: number
  private reported: boolean
  private timer: Subscription | undefined

  constructor(where: string, options: StallOptions, runtime: Runtime) {
    this.where = where
    this.afterMs = options.stalledAfterMs ?? STALLED_AFTER_MS
    this.report = options.onStalled ?? stalledTo(consoleLog)
    this.runtime = runtime
    this.requests = 0
    this.replies = 0
    this.moves = 0
    this.seen = 0
    this.reported = false
    this.timer = undefined
  }

  /** An item was taken in. */
  request(): void {
    this.requests++
    if (this.timer === undefined && !this.reported) this.arm()
  }

  /** An item was let go. */
  reply(): void {
    this.replies++
    if (this.reported) this.goOn()
  }

  /** Something moved on behalf of an item that is held. */
  move(): void {
    this.moves++
    if (this.reported) this.goOn()
  }

  /** Ends the watch. */
  stop(): void {
    this.timer?.unsubscribe()
    this.timer = undefined
    this.reported = false // so that late replies do not start it again
  }

  private get movements(): number {
    return this.requests + this.replies + this.moves
  }

  private goOn(): void {
    this.reported = false
    if (this.requests > this.replies) this.arm()
  }

  private arm(): void {
    this.seen = this.movements
    this.timer = this.runtime.scheduler.schedule(() => {
      this.check()
    }, this.afterMs)
  }

  private check(): void {
    this.timer = undefined
    if (this.requests === this.replies) return // nothing is held; the next request arms again
    if (this.seen !== this.movements) {
      this.arm()
      return
    }
    this.reported = true // and no timer until something moves: a stall may last for ever, a simulation must not
    this.report({ where: this.where, requests: this.requests, replies: this.replies, forMs: this.afterMs })
  }
}
