import { from, Observable, Subscriber, type ObservableInput, type ObservedValueOf, type OperatorFunction } from 'rxjs'
import {
  consoleLog,
  integer,
  fn,
  having,
  MAX_TIMER_MS,
  number,
  optional,
  resolveOptions,
  RpcError,
  systemRuntime,
  type Runtime,
} from '../core/index.js'
import { Backlog, DEFAULT_OVERFLOW_LIMIT, MAX_BURST_ITEMS } from './backlog.js'
import { acknowledged, hold, type OnConsumed, outside, redeliver, type Release } from './delivery.js'
import { STALLED_AFTER_MS, stalledTo, StallWatch, type StallOptions } from './stalled.js'
import { unfinished } from './unfinished.js'

/** Options of {@link pacedMap}. */
export interface PacedMapOptions extends StallOptions {
  /** Most inner Observables that run at once. @default 16, a guess that keeps a few remote calls busy */
  readonly concurrency?: number
  /** Time for the `stalled` event. @default systemRuntime() */
  readonly runtime?: Runtime
}

/**
 * Maps each value to an inner Observable and merges them, as `mergeMap` does, but counts a value as consumed only when
 * its inner Observable has ended and everything that it emitted has been consumed.
 *
 * So the producer, on whichever machine it is, is never further ahead than its window: a slow inner Observable, or a
 * slow consumer of its values, slows the producer.
 *
 * ```
 * source      ab----|
 *             --x|         the inner Observable of a, concurrency 1
 *                --x|      and that of b
 * result      --a--b|
 * consumed    ---a--b
 * ```
 * - Up to `concurrency` inner Observables run; more values wait in order.
 * - Each emitted value is a delivery of its own; consuming it lets go of the delivery that it came from.
 * - When an inner Observable fails, or `project` throws, the value counts as not processed. If it came from a broker that
 *   acknowledges, which hears the error and sees to the value, the result goes on; otherwise it fails with that error.
 * - Unsubscribing makes what is unfinished count as not processed, too.
 * - Values of a source that pushes by itself are not paced: 1024 may wait (65 536 while it is being subscribed), then
 *   the result fails with RESOURCE_EXHAUSTED (reason `overflow` or `burst`).
 * - When values are held and nothing moves for `stalledAfterMs`, `onStalled` is told. The usual cause is an inner
 *   Observable that waits for later values of the same source (`groupBy(…).pipe(pacedMap(group => …))`).
 *
 * ```ts
 * path$.pipe(pacedMap(path => reader.lines(path), { concurrency: 4 })).subscribe(print)
 * ```
 * @param project makes the inner Observable of a value; an array, a promise or an iterable will do
 */
export function pacedMap<A, O extends ObservableInput<unknown>>(
  project: (value: A, index: number) => O,
  options?: PacedMapOptions,
): OperatorFunction<A, ObservedValueOf<O>> {
  const resolved = resolveOptions<Required<PacedMapOptions>>(
    'pacedMap',
    {
      concurrency: optional(integer({ min: 1, max: Infinity }), 16),
      runtime: optional(having<Runtime>('scheduler'), systemRuntime()),
      stalledAfterMs: optional(number({ min: 1, max: MAX_TIMER_MS }), STALLED_AFTER_MS),
      onStalled: optional(fn(), stalledTo(consoleLog)),
    },
    options,
  )
  return source =>
    new Observable(subscriber => {
      new PacedMapSubscriber<A, ObservedValueOf<O>>(subscriber, project as never, resolved).connect(source)
    })
}

class PacedMapSubscriber<A, B> extends Subscriber<A> {
  readonly out: Subscriber<B>
  readonly watch: StallWatch
  private readonly project: (value: A, index: number) => ObservableInput<B>
  private readonly concurrency: number
  private readonly waiting: Backlog<A>
  private index: number
  private active: number
  private starting: boolean
  private sourceEnded: boolean

  constructor(
    out: Subscriber<B>,
    project: (value: A, index: number) => ObservableInput<B>,
    options: Required<PacedMapOptions>,
  ) {
    super(out as Subscriber<unknown>)
    this.out = out
    this.watch = new StallWatch('pacedMap', options, options.runtime)
    this.project = project
    this.concurrency = options.concurrency
    this.waiting = new Backlog({
      owner: 'pacedMap',
      policy: 'error',
      limit: DEFAULT_OVERFLOW_LIMIT,
      burst: MAX_BURST_ITEMS,
    })
    this.index = 0
    this.active = 0
    this.starting = false
    this.sourceEnded = false
    out.add(() => {
      this.watch.stop()
      if (this.waiting.length > 0) this.waiting.clear(unfinished('pacedMap'))
    })
  }

  connect(source: Observable<A>): void {
    this.waiting.subscribing = true
    source.subscribe(this)
    this.waiting.subscribing = false
  }

  protected override _next(value: A): void {
    const release = hold()
    if (release !== undefined) this.watch.request()
    if (this.active < this.concurrency && this.waiting.length === 0) {
      this.start(value, release)
      return
    }
    const error = this.waiting.add(value, release)
    if (error !== undefined) this.out.error(error)
  }

  protected override _complete(): void {
    this.sourceEnded = true
    if (this.active === 0 && this.waiting.length === 0) this.out.complete()
    this.unsubscribe() // from the source; the inner Observables go on
  }

  /** An inner Observable has ended: its place is free. */
  innerEnded(): void {
    this.active--
    if (this.starting) return // the loop below is on the stack and goes on: inner Observables may end at once
    this.starting = true
    while (this.active < this.concurrency && !this.out.closed) {
      const next = this.waiting.take()
      if (next === undefined) break
      this.start(next.value, next.release)
    }
    this.starting = false
    if (this.sourceEnded && this.active === 0 && this.waiting.length === 0) this.out.complete()
  }

  private start(value: A, release: Release | undefined): void {
    this.active++
    const inner = new InnerSubscriber<A, B>(this, release)
    this.out.add(inner)
    let input: Observable<B>
    try {
      input = from(this.project(value, this.index++))
    } catch (error) {
      inner.error(error)
      return
    }
    // Subscribing is no part of the delivery (rule 4): what the inner Observable emits now is not owned by the input.
    outside(() => void input.subscribe(inner))
  }
}

class InnerSubscriber<A, B> extends Subscriber<B> {
  private readonly parent: PacedMapSubscriber<A, B>
  private readonly release: Release | undefined
  private readonly onConsumed: OnConsumed
  private unconsumed: number
  private ended: boolean
  private failure: unknown

  constructor(parent: PacedMapSubscriber<A, B>, release: Release | undefined) {
    super()
    this.parent = parent
    this.release = release
    this.unconsumed = 0
    this.ended = false
    this.failure = undefined
    const onConsumed = (error?: unknown): void => {
      this.unconsumed--
      this.failure ??= error
      this.settle()
    }
    this.onConsumed = release?.naks === true ? acknowledged(onConsumed) : onConsumed
    this.add(() => {
      if (!this.ended) this.letGo(this.failure ?? unfinished('pacedMap'))
    })
  }

  protected override _next(value: B): void {
    this.unconsumed++
    this.parent.watch.move()
    redeliver(this.parent.out, value, this.onConsumed)
  }

  protected override _error(error: unknown): void {
    if (this.release?.naks === true) {
      this.failure ??= error ?? RpcError.from(error)
      this.end()
      return
    }
    this.failure = error
    this.parent.out.error(error)
    this.unsubscribe()
  }

  protected override _complete(): void {
    this.end()
  }

  private end(): void {
    this.ended = true
    this.unsubscribe()
    this.settle()
    this.parent.innerEnded()
  }

  private settle(): void {
    if (this.ended && this.unconsumed === 0) this.letGo(this.failure)
  }

  private letGo(error: unknown): void {
    if (this.release === undefined) return
    this.parent.watch.reply()
    this.release(error)
  }
}
