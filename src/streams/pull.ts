import { type Observable, Subscriber } from 'rxjs'
import { RingBuffer } from '../core/index.js'
import { Backlog, DEFAULT_OVERFLOW_LIMIT, MAX_BURST_ITEMS } from './backlog.js'
import { hold, outside, type Release } from './delivery.js'
import { unfinished } from './unfinished.js'

/**
 * Turns an Observable into an AsyncIterable whose loop paces the source: an item counts as consumed when the loop asks
 * for the next one.
 *
 * ```ts
 * for await (const line of pull(reader.lines(path))) await store(line)
 * ```
 * - Each iterator subscribes once, with its first `next`. Leaving the loop unsubscribes, and the item in hand counts as
 *   not processed, for a `break` and a throw look alike.
 * - Who calls `next` by hand before the last one has answered has asked for the item after it, too: an item that others
 *   are waiting behind is consumed when it is handed out.
 * - Items of a source that pushes by itself wait, at most 1024 (65 536 while it is being subscribed), then the loop
 *   throws RESOURCE_EXHAUSTED (reason `overflow` or `burst`). An error of the source is thrown after the items before it.
 */
export function pull<T>(source: Observable<T>): AsyncIterable<T> {
  return { [Symbol.asyncIterator]: () => new PullIterator(source) }
}

interface Asker<T> {
  resolve(result: IteratorResult<T>): void
  reject(error: unknown): void
}

class PullIterator<T> implements AsyncIterator<T, undefined> {
  private readonly source: Observable<T>
  private readonly waiting: Backlog<T>
  private readonly askers: RingBuffer<Asker<T>>
  private subscriber: Subscriber<T> | undefined
  private inHand: Release | undefined
  private end: { readonly error?: unknown } | undefined

  constructor(source: Observable<T>) {
    this.source = source
    this.waiting = new Backlog({
      owner: 'pull',
      policy: 'error',
      limit: DEFAULT_OVERFLOW_LIMIT,
      burst: MAX_BURST_ITEMS,
    })
    this.askers = new RingBuffer()
    this.subscriber = undefined
    this.inHand = undefined
    this.end = undefined
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return new Promise((resolve, reject) => {
      this.askers.push({ resolve, reject })
      const consumed = this.inHand
      this.inHand = undefined
      consumed?.()
      if (this.subscriber === undefined && this.end === undefined) outside(() => this.connect())
      this.answer()
    })
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.leave()
    return Promise.resolve({ done: true, value: undefined })
  }

  private connect(): void {
    const subscriber = new Subscriber<T>({
      next: value => this.accept(value),
      error: (error: unknown) => this.finish({ error }),
      complete: () => this.finish({}),
    })
    this.subscriber = subscriber
    this.waiting.subscribing = true
    this.source.subscribe(subscriber)
    this.waiting.subscribing = false
  }

  private accept(value: T): void {
    const error = this.waiting.add(value, hold())
    if (error !== undefined) {
      this.subscriber?.unsubscribe()
      this.finish({ error })
    }
    this.answer()
  }

  private finish(end: { readonly error?: unknown }): void {
    this.end = end
    this.answer()
  }

  private answer(): void {
    while (this.askers.length > 0) {
      const next = this.waiting.take()
      if (next === undefined && this.end === undefined) return
      const asker = this.askers.shift() as Asker<T>
      if (next !== undefined) {
        // Whoever asked ahead has asked for the item after this one already.
        if (this.askers.length > 0) next.release?.()
        else this.inHand = next.release
        asker.resolve({ done: false, value: next.value })
      } else if (this.end !== undefined && 'error' in this.end) {
        asker.reject(this.end.error)
        this.end = {}
      } else asker.resolve({ done: true, value: undefined })
    }
  }

  private leave(): void {
    const reason = unfinished('pull')
    this.end = {}
    this.subscriber?.unsubscribe()
    this.inHand?.(reason)
    this.inHand = undefined
    this.waiting.clear(reason)
    this.answer()
  }
}
