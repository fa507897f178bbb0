import { type Observable, Subscriber } from 'rxjs'
import { RpcError, type Runtime } from '../core/index.js'
import { Backlog, DEFAULT_OVERFLOW_LIMIT, MAX_BURST_ITEMS } from './backlog.js'
import { hold, outside, type Release } from './delivery.js'
import { StallWatch, type StallOptions } from './stalled.js'

/** Where a pump sends. `E` is an item ready to be sent. */
export interface PumpSink<T, E> {
  /** Whether the way out takes more now. */
  readonly ready: boolean
  /** Items wait because it does not; {@link Pump.resume} is to be called when it does again. */
  blocked(): void
  /** Makes an item ready to be sent; the value may change afterwards. What it throws ends the stream. */
  encode(value: T): E
  /**
   * Sends an item. What it throws ends the stream. Gives false when only a part of it could be sent: the sink is not
   * ready, and {@link Pump.resume} is to be called when all of it is.
   */
  send(encoded: E): boolean
  /** The source has completed and everything is sent. */
  complete(): void
  /** The source has failed and what came before is sent, or the pump itself had to end it. */
  fail(error: unknown): void
  /** The source's teardown threw; the stream ends as if it had not. @default throws on to whoever ended the stream */
  teardownFailed?(error: unknown): void
}

/** Options of {@link pump}. */
export interface PumpOptions extends StallOptions {
  /** What is pumped, `words.tally`; begins error messages. */
  readonly name: string
  /** Items that may be sent before the first `request`. */
  readonly credit: number
  /** Time for the `stalled` event and for yielding. */
  readonly runtime: Runtime
  /** Whether an error of the source ends the stream at once, as through an operator that buffers. @default false: what waits is sent first */
  readonly failAtOnce?: boolean
  /**
   * Whether a source that can wait is asked for one item more than may be sent, to know whether there is one: for a
   * receiver that asks for exactly as many as there are and waits for the end. @default false
   */
  readonly lookAhead?: boolean
}

/** The sending side of a stream with item credits. */
export interface Pump {
  /** Subscribes the source. Called once. */
  start(): void
  /** The receiver takes `n` more items; `Infinity` for as many as there are. */
  request(n: number): void
  /** The sink is ready again. */
  resume(): void
  /** The receiver wants no more: unsubscribes the source and lets go of what was not sent. */
  cancel(): void
}

/** Most items sent in one turn, so that an always-ready source on unbounded credit leaves time for others. */
export const ITEMS_PER_TURN = 256

/**
 * Pumps `source` into `sink` as far as credit and the sink allow, holding what it cannot send.
 *
 * 1. At most as many items are sent as were requested; completion and errors need no credit.
 * 2. An item is encoded while it is emitted and sent in the order of emission. One that cannot be encoded or sent fails
 *    the stream, and counts as not processed.
 * 3. Items of deliveries are held until they are sent, and the one that uses the last credit up until there is more or
 *    the stream ends, unless `lookAhead` is set: consumed means sent. At most 65 536 are held (reason `amplified`).
 * 4. Items that the source pushes by itself wait, at most 1024 (reason `overflow`), and 65 536 more while it is being
 *    subscribed (reason `burst`); over that the stream fails with RESOURCE_EXHAUSTED.
 * 5. After 256 items in one turn a source that can wait has to.
 */
export function pump<T, E>(source: Observable<T>, sink: PumpSink<T, E>, options: PumpOptions): Pump {
  return new PumpSubscriber(source, sink, options)
}

class PumpSubscriber<T, E> extends Subscriber<T> implements Pump {
  private readonly source: Observable<T>
  private readonly sink: PumpSink<T, E>
  private readonly runtime: Runtime
  private readonly watch: StallWatch
  private readonly waiting: Backlog<E>
  private readonly failAtOnce: boolean
  private readonly lookAhead: boolean
  private credit: number
  private turn: number
  private draining: boolean
  private yielding: boolean
  private sourceEnded: boolean
  private ended: boolean
  private failure: { readonly error: unknown } | undefined
  /** Lets go of the item of which only a part is sent. */
  private sending: Release | undefined
  /** Lets go of the item that has used the credit up. */
  private last: Release | undefined

  constructor(source: Observable<T>, sink: PumpSink<T, E>, options: PumpOptions) {
    super()
    this.source = source
    this.sink = sink
    this.runtime = options.runtime
    this.watch = new StallWatch(options.name, options, options.runtime)
    this.waiting = new Backlog({
      owner: options.name,
      policy: 'error',
      limit: DEFAULT_OVERFLOW_LIMIT,
      burst: MAX_BURST_ITEMS,
    })
    this.failAtOnce = options.failAtOnce ?? false
    this.lookAhead = options.lookAhead ?? false
    this.credit = options.credit
    this.turn = ITEMS_PER_TURN
    this.draining = false
    this.yielding = false
    this.sourceEnded = false
    this.ended = false
    this.failure = undefined
    this.sending = undefined
    this.last = undefined
  }

  start(): void {
    this.waiting.subscribing = true
    outside(() => void this.source.subscribe(this))
    this.waiting.subscribing = false
  }

  request(n: number): void {
    this.credit += n
    this.turn = ITEMS_PER_TURN
    if (this.credit > 0) this.letGoOfLast() // first: what it makes the source emit comes behind what waits
    this.drain()
  }

  resume(): void {
    const release = this.sending
    this.sending = undefined
    if (release !== undefined && this.usedUp) this.keepLast(release)
    else release?.()
    this.drain()
  }

  cancel(): void {
    this.leave() // first: the source hears of it as soon as can be
    if (this.sending === undefined && this.last === undefined && this.waiting.length === 0) return
    const reason = new RpcError('CANCELLED', 'the receiver cancelled before this item was sent', { reason: 'not_sent' })
    this.end(reason)
    this.sending?.(reason)
    this.sending = undefined
  }

  override unsubscribe(): void {
    try {
      super.unsubscribe()
    } catch (error) {
      if (this.sink.teardownFailed === undefined) throw error
      this.sink.teardownFailed(error)
    }
  }

  protected override _next(value: T): void {
    if (this.credit > 0 && this.waiting.length === 0 && this.sink.ready) {
      if (this.turn > 0) {
        this.turn--
        this.transmit(value)
        return
      }
      const release = hold()
      // A source that pushes by itself cannot be slowed by yielding, only buffered.
      if (release === undefined) this.transmit(value)
      else this.wait(value, release)
      return
    }
    this.wait(value, hold())
  }

  protected override _error(error: unknown): void {
    if (this.failAtOnce) {
      this.abort(error)
      return
    }
    this.sourceEnded = true
    this.failure = { error }
    if (this.waiting.length === 0) this.finish()
    this.unsubscribe() // from the source; what waits is still sent
  }

  protected override _complete(): void {
    this.sourceEnded = true
    if (this.waiting.length === 0) this.finish()
    this.unsubscribe()
  }

  private transmit(value: T): void {
    try {
      const encoded = this.sink.encode(value)
      this.credit--
      if (!this.sink.send(encoded)) this.sending = hold()
      else if (this.usedUp) this.keepLast(hold())
    } catch (error) {
      hold()?.(error) // it was not sent
      this.abort(error)
    }
  }

  private wait(value: T, release: Release | undefined): void {
    let error: unknown
    try {
      error = this.waiting.add(this.sink.encode(value), release)
    } catch (thrown) {
      release?.(thrown)
      error = thrown
    }
    if (error !== undefined) {
      this.abort(error)
      return
    }
    this.watch.request()
    if (!this.sink.ready) this.sink.blocked()
    else if (this.turn === 0) this.yieldTurn()
  }

  private drain(): void {
    if (this.draining) return // the loop below is on the stack and goes on
    this.draining = true
    while (this.credit > 0 && this.waiting.length > 0 && this.sink.ready) {
      if (this.turn === 0) {
        this.yieldTurn()
        break
      }
      const next = this.waiting.take()
      if (next === undefined) break
      this.turn--
      this.credit--
      let sent: boolean
      try {
        sent = this.sink.send(next.value)
      } catch (error) {
        next.release?.(error)
        this.abort(error)
        break
      }
      if (sent && this.usedUp && next.release !== undefined) {
        this.last = next.release
        break
      }
      this.watch.reply()
      if (sent) next.release?.()
      else this.sending = next.release
    }
    this.draining = false
    if (this.waiting.length > 0 && !this.sink.ready) this.sink.blocked()
    else if (this.sourceEnded && this.waiting.length === 0) this.finish()
  }

  /**
   * Whether the last credit is used and more may come. The item that has used it is kept until there is credit again:
   * else a source that can wait would take one more, which could go nowhere, and be ahead of the window.
   */
  private get usedUp(): boolean {
    return this.credit === 0 && !this.lookAhead && !this.sourceEnded && !this.ended
  }

  private keepLast(release: Release | undefined): void {
    if (release === undefined) return
    this.last = release
    this.watch.request()
  }

  private letGoOfLast(): void {
    const release = this.last
    if (release === undefined) return
    this.last = undefined
    this.watch.reply()
    release()
  }

  private yieldTurn(): void {
    if (this.yielding) return
    this.yielding = true
    this.runtime.macrotask(() => {
      this.yielding = false
      this.turn = ITEMS_PER_TURN
      this.drain()
    })
  }

  private finish(): void {
    if (this.ended) return
    this.end(undefined)
    if (this.failure === undefined) this.sink.complete()
    else this.sink.fail(this.failure.error)
  }

  private abort(error: unknown): void {
    this.end(error)
    this.sink.fail(error)
  }

  private leave(): void {
    this.ended = true
    this.watch.stop()
    this.unsubscribe()
  }

  private end(reason: unknown): void {
    this.leave()
    this.letGoOfLast() // it was sent
    this.waiting.clear(reason)
  }
}
