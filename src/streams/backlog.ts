import { RingBuffer, RpcError } from '../core/index.js'
import type { Release } from './delivery.js'

/**
 * What happens to items that a source pushes by itself when the buffer for them is full: `error` ends the stream,
 * `dropOldest` and `dropNewest` lose an item, `latest` keeps the newest only, whatever the size of the buffer.
 */
export type OverflowPolicy = 'error' | 'dropOldest' | 'dropNewest' | 'latest'

/** Most items a pump or operator holds back for deliveries that were amplified on the way. */
export const MAX_HELD_ITEMS = 65_536
/** Most items that a source may push in one go while it is being subscribed. */
export const MAX_BURST_ITEMS = 65_536
/** Most items that wait for a source which pushes by itself, unless `overflow` says otherwise. */
export const DEFAULT_OVERFLOW_LIMIT = 1024

/** An item that waits, and what lets go of its delivery. */
export interface Waiting<T> {
  /** The item. */
  readonly value: T
  /** Lets go of its delivery; `undefined` for an item that a source pushed by itself. */
  readonly release: Release | undefined
  /** Its place among all items that ever waited here. */
  readonly sequence: number
}

/** How a {@link Backlog} is bounded. */
export interface BacklogOptions {
  /** Who waits; begins the error messages. */
  readonly owner: string
  /** What happens to pushed items over `limit`. */
  readonly policy: OverflowPolicy
  /** Most pushed items that wait. */
  readonly limit: number
  /** Most items pushed in one go inside `subscribe`, on top of `limit`. */
  readonly burst: number
}

/**
 * The items that wait for a consumer which is not ready, in order. Items of a delivery are bounded by its sender's
 * window, so only amplification can fill them up; items that a source pushes by itself meet the overflow policy, and
 * never make a held item be dropped.
 */
export class Backlog<T> {
  /** True while the source is being subscribed: what it pushes now is its burst. */
  subscribing: boolean
  private readonly held: RingBuffer<Waiting<T>>
  private readonly pushed: RingBuffer<Waiting<T>>
  private readonly options: BacklogOptions
  private sequence: number
  private burst: number

  constructor(options: BacklogOptions) {
    this.subscribing = false
    this.held = new RingBuffer()
    this.pushed = new RingBuffer()
    this.options = options
    this.sequence = 0
    this.burst = 0
  }

  /** How many items wait. */
  get length(): number {
    return this.held.length + this.pushed.length
  }

  /** Appends an item; `release` is what `hold()` gave. An error says that the stream must end with it. */
  add(value: T, release: Release | undefined): RpcError | undefined {
    const waiting: Waiting<T> = { value, release, sequence: this.sequence++ }
    if (release === undefined) return this.addPushed(waiting)
    if (this.held.length >= MAX_HELD_ITEMS) {
      const error = this.amplified()
      release(error)
      return error
    }
    this.held.push(waiting)
    return undefined
  }

  /** Removes and gives the oldest item. */
  take(): Waiting<T> | undefined {
    const held = this.held.peek()
    const pushed = this.pushed.peek()
    if (pushed === undefined || (held !== undefined && held.sequence < pushed.sequence)) return this.held.shift()
    return this.takePushed()
  }

  /** Forgets every item; their deliveries end with `reason`. */
  clear(reason: unknown): void {
    while (this.takePushed() !== undefined);
    for (let waiting = this.held.shift(); waiting !== undefined; waiting = this.held.shift()) waiting.release?.(reason)
  }

  private addPushed(waiting: Waiting<T>): RpcError | undefined {
    const { policy, limit, burst } = this.options
    if (this.subscribing && this.burst < burst) {
      this.burst++
      this.pushed.push(waiting)
      return undefined
    }
    const full = this.pushed.length - this.burst >= limit
    if (policy === 'latest') while (this.takePushed() !== undefined);
    else if (full && policy === 'error') return this.subscribing ? this.burstTooLong() : this.overflowed()
    else if (full && policy === 'dropNewest') return undefined
    else if (full) this.takePushed()
    this.pushed.push(waiting)
    return undefined
  }

  private takePushed(): Waiting<T> | undefined {
    const waiting = this.pushed.shift()
    if (this.burst > 0 && waiting !== undefined) this.burst-- // the burst came first, so it leaves first
    return waiting
  }

  private overflowed(): RpcError {
    const { owner, limit } = this.options
    return new RpcError(
      'RESOURCE_EXHAUSTED',
      `${owner}: ${limit} items wait for the consumer and the source pushes on by itself; ` +
        'choose what to lose with overflow(policy, n), or use a source that can wait: paced(iterable)',
      { reason: 'overflow', details: { limit } },
    )
  }

  private burstTooLong(): RpcError {
    const { owner, limit, burst } = this.options
    return new RpcError(
      'RESOURCE_EXHAUSTED',
      `${owner}: the source pushed more than ${burst + limit} items while it was subscribed; ` +
        'write paced(iterable) instead of from(iterable), so that it can wait for the consumer',
      { reason: 'burst', details: { limit: burst + limit } },
    )
  }

  private amplified(): RpcError {
    return new RpcError(
      'RESOURCE_EXHAUSTED',
      `${this.options.owner}: operators made more than ${MAX_HELD_ITEMS} items of the deliveries that wait; ` +
        'write pacedMap(x => paced(many)) instead of mergeMap(x => many), so that the expansion can wait',
      { reason: 'amplified', details: { limit: MAX_HELD_ITEMS } },
    )
  }
}
