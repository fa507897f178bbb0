import { Observable, Subscriber, type MonoTypeOperatorFunction } from 'rxjs'
import { integer, oneOf, resolveOptions } from '../core/index.js'
import { Backlog, type OverflowPolicy } from './backlog.js'
import { acknowledged, hold, redeliver, type OnConsumed } from './delivery.js'
import { unfinished } from './unfinished.js'

/**
 * Says what is lost when a source that pushes by itself (a timer, a Subject, a sensor) is faster than its consumer:
 * up to `limit` items wait, then `policy` is applied.
 *
 * ```
 * source                       abcde|
 * overflow('dropOldest', 2)    a----d----(e|)     when its consumer takes 5 ms for each
 * ```
 * - The next item is passed on when the last has been consumed; a consumer that keeps up sees every item at once.
 * - `error` fails with RESOURCE_EXHAUSTED (reason `overflow`), `dropOldest` and `dropNewest` lose one item, `latest`
 *   keeps only the newest of those that wait. `Infinity` as `limit` never loses any, and may fill the memory.
 * - Items that are deliveries are held, never dropped: their source is slowed instead. Those that wait when it is
 *   unsubscribed count as not processed.
 * - Items that the consumer itself pushes while it is given one count as pushed: holding them would make an item wait
 *   for its own consequence.
 *
 * ```ts
 * fromEvent(sensor, 'reading').pipe(overflow('latest', 1), pacedMap(reading => store.save(reading))).subscribe()
 * ```
 * @param policy what to lose
 * @param limit most items that wait, `Infinity` for no limit
 */
export function overflow<T>(policy: OverflowPolicy, limit: number): MonoTypeOperatorFunction<T> {
  const options = resolveOptions<{ policy: OverflowPolicy; limit: number }>(
    'overflow',
    { policy: oneOf('error', 'dropOldest', 'dropNewest', 'latest'), limit: integer({ min: 1, max: Infinity }) },
    { policy, limit },
  )
  return source =>
    new Observable(subscriber => {
      source.subscribe(new OverflowSubscriber(subscriber, options.policy, options.limit))
    })
}

class OverflowSubscriber<T> extends Subscriber<T> {
  private readonly out: Subscriber<T>
  private readonly waiting: Backlog<T>
  private readonly onConsumed: (error?: unknown) => void
  private busy: boolean
  private delivering: boolean
  private emitting: boolean
  private sourceEnded: boolean

  constructor(out: Subscriber<T>, policy: OverflowPolicy, limit: number) {
    super(out)
    this.out = out
    this.waiting = new Backlog({ owner: 'overflow', policy, limit, burst: 0 })
    this.busy = false
    this.delivering = false
    this.emitting = false
    this.sourceEnded = false
    this.onConsumed = () => {
      this.busy = false
      this.emitWaiting()
    }
    out.add(() => {
      if (this.waiting.length > 0) this.waiting.clear(unfinished('overflow'))
    })
  }

  protected override _next(value: T): void {
    if (!this.busy && this.waiting.length === 0) {
      this.emit(value, this.onConsumed)
      return
    }
    // What our own item has caused must not hold it: the item would wait for its own consequence.
    const error = this.waiting.add(value, this.delivering ? undefined : hold())
    if (error !== undefined) this.out.error(error)
  }

  protected override _complete(): void {
    this.sourceEnded = true
    if (this.waiting.length === 0) this.out.complete()
    this.unsubscribe() // from the source; what waits goes on
  }

  private emit(value: T, onConsumed: OnConsumed): void {
    this.busy = true
    this.delivering = true
    redeliver(this.out, value, onConsumed)
    this.delivering = false
  }

  private emitWaiting(): void {
    if (this.emitting) return // the loop below is on the stack and goes on
    this.emitting = true
    while (!this.busy && !this.out.closed) {
      const next = this.waiting.take()
      if (next === undefined) break
      const onConsumed = (error?: unknown): void => {
        next.release?.(error)
        this.onConsumed()
      }
      this.emit(next.value, next.release?.naks === true ? acknowledged(onConsumed) : onConsumed)
    }
    this.emitting = false
    if (this.sourceEnded && this.waiting.length === 0) this.out.complete()
  }
}
