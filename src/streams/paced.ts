import { Observable, type Subscriber } from 'rxjs'
import { integer, optional, resolveOptions, RpcError } from '../core/index.js'
import { deliver, outside } from './delivery.js'

/** Options of {@link paced}. */
export interface PacedOptions {
  /**
   * Most items emitted and not yet consumed.
   * @default 1: the next item is taken when the last is consumed. Give as many as the `concurrency` of a `pacedMap`
   * behind it is to keep busy.
   */
  readonly window?: number
}

/** Whatever can be asked for its next item: arrays, generators, cursors, Node's and the platform's readable streams. */
export type Pullable<T> = Iterable<T> | AsyncIterable<T> | ReadableStream<T>

/**
 * An Observable that takes the next item from `source` when the last one has been consumed, so that it is never further
 * ahead than `window`: what to write instead of `from(iterable)` when the consumer may be slow.
 *
 * ```
 * paced('abc')    a-b-c-|     when its consumer takes 2 ms for each
 * ```
 * - Cold: each subscription opens its own iterator. A source that can be iterated once can be subscribed once.
 * - Emits deliveries: a slow consumer behind `pacedMap`, `pull`, or a remote call slows the source.
 * - An error of the source passes through as it is. Unsubscribing closes the iterator (`return`, `cancel`).
 * - What cannot be iterated throws INVALID_ARGUMENT (reason `not_iterable`).
 *
 * ```ts
 * paced(createReadStream(path)).pipe(pacedMap(chunk => store.append(chunk))).subscribe()
 * ```
 * @param source an array, a generator, a cursor, a readable stream
 */
export function paced<T>(source: Pullable<T>, options?: PacedOptions): Observable<T> {
  const { window } = resolveOptions<Required<PacedOptions>>(
    'paced',
    { window: optional(integer({ min: 1, max: Infinity }), 1) },
    options,
  )
  if (typeof (source as Partial<Iterable<T>> | null)?.[Symbol.iterator] === 'function') {
    return new Observable(subscriber => pumpIterator(subscriber, source as Iterable<T>, window))
  }
  const open = asyncIteratorOf(source)
  return new Observable(subscriber => pumpAsyncIterator(subscriber, open(), window))
}

function pumpIterator<T>(subscriber: Subscriber<T>, source: Iterable<T>, window: number): () => void {
  const iterator = source[Symbol.iterator]()
  let unconsumed = 0
  let running = false
  let pulling = false
  let ended = false
  const take = (): void => {
    if (running) return // the loop below is on the stack and goes on
    running = true
    while (unconsumed < window && !ended && !subscriber.closed) step()
    running = false
  }
  const pull = (): IteratorResult<T> => {
    pulling = true
    try {
      return iterator.next()
    } catch (error) {
      ended = true
      throw error
    } finally {
      pulling = false
    }
  }
  const close = (): void => {
    if (ended || pulling) return // a generator that is running cannot be closed: `step` does when it is back
    ended = true
    iterator.return?.()
  }
  const step = (): void => {
    try {
      const result = pull()
      ended = result.done === true
      if (ended) subscriber.complete()
      else if (subscriber.closed) close()
      else {
        unconsumed++
        deliver(subscriber, result.value as T, consumed)
      }
    } catch (error) {
      subscriber.error(error)
    }
  }
  const consumed = (): void => {
    unconsumed--
    take()
  }
  outside(take)
  return close
}

function pumpAsyncIterator<T>(subscriber: Subscriber<T>, iterator: AsyncIterator<T>, window: number): () => void {
  let unconsumed = 0
  let asking = false
  let ended = false
  const ask = (): void => {
    if (asking || ended || unconsumed >= window) return
    asking = true
    try {
      iterator.next().then(answered).then(undefined, failed)
    } catch (error) {
      failed(error) // an iterator by hand may throw instead of rejecting
    }
  }
  const answered = (result: IteratorResult<T>): void => {
    asking = false
    if (ended) return
    if (result.done === true) {
      ended = true
      subscriber.complete()
      return
    }
    unconsumed++
    deliver(subscriber, result.value, consumed)
    ask()
  }
  const failed = (error: unknown): void => {
    ended = true
    subscriber.error(error)
  }
  const consumed = (): void => {
    unconsumed--
    ask()
  }
  outside(ask)
  return () => {
    if (ended) return
    ended = true
    // Nobody is left to hear that closing failed.
    iterator.return?.().then(undefined, () => {})
  }
}

function asyncIteratorOf<T>(source: unknown): () => AsyncIterator<T> {
  const asyncIterable = source as Partial<AsyncIterable<T>> | null
  if (typeof asyncIterable?.[Symbol.asyncIterator] === 'function') {
    return () => (asyncIterable as AsyncIterable<T>)[Symbol.asyncIterator]()
  }
  const readable = source as Partial<ReadableStream<T>> | null
  if (typeof readable?.getReader === 'function') return () => readerIterator(readable as ReadableStream<T>)
  throw new RpcError(
    'INVALID_ARGUMENT',
    `paced: expected an iterable, an async iterable or a readable stream, got ${typeof source}`,
    {
      reason: 'not_iterable',
    },
  )
}

/** Not every browser iterates a ReadableStream. */
function readerIterator<T>(stream: ReadableStream<T>): AsyncIterator<T> {
  const reader = stream.getReader()
  return {
    next: () => reader.read() as Promise<IteratorResult<T>>,
    return: () => reader.cancel().then(() => ({ done: true, value: undefined })),
  }
}
