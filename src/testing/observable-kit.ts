import type { Observable } from 'rxjs'
import type { Runtime } from '../core/index.js'
import type { SubscriptionLog } from './virtual-time.js'

/** What the letters of a diagram stand for; without it each letter is its own value. */
export type MarbleValues<T> = { readonly [letter: string]: T }

/** An Observable made of a diagram, which remembers its subscriptions. */
export interface MarbleSource<T> extends Observable<T> {
  /** When it was subscribed and unsubscribed, one entry a subscription. */
  readonly subscriptions: readonly SubscriptionLog[]
}

/** A source whose items are deliveries, and which remembers when each was consumed. */
export interface Deliveries<T> extends MarbleSource<T> {
  /** The letters of the consumed items and when, in order; in upper case if let go of with an error. */
  readonly credits: readonly (readonly [frame: number, letter: string])[]
}

/** What is expected of an Observable. */
export interface ObservableExpectation {
  /**
   * It emits `diagram`. Letters are looked up in `values`; `#` is `error`, by default `'error'`.
   * An error given as `{ code, reason }` stands for an `RpcError` that has them.
   */
  toBe(diagram: string, values?: MarbleValues<unknown>, error?: unknown): void
}

/** What is expected of lanes without values. */
export interface LaneExpectation<D> {
  /** The lane looks like `diagram`. */
  toBe(diagram: D): void
}

/** What marble specs of Observables are written with. */
export interface ObservableKit {
  /** A source that plays `diagram` anew for each subscriber. */
  cold<T = string>(diagram: string, values?: MarbleValues<T>, error?: unknown): MarbleSource<T>
  /** A source that plays `diagram` once for all; `^` in it is 0 ms. */
  hot<T = string>(diagram: string, values?: MarbleValues<T>, error?: unknown): MarbleSource<T>
  /** As `cold`, but items are deliveries: `expectCredits` sees when they are consumed. Letters are lower case. */
  deliveries<T = string>(diagram: string, values?: MarbleValues<T>, error?: unknown): Deliveries<T>
  /** The length of `diagram` up to its `|`, ms. */
  time(diagram: string): number
  /** Time and chance of the spec: virtual and seeded. Its timers must end with what is observed. */
  readonly runtime: Runtime
  /** Subscribes `observable`, at 0 ms or as `subscription` says (`'--^---!'`), and expects something of it. */
  expectObservable(observable: Observable<unknown>, subscription?: string): ObservableExpectation
  /** Expects subscription windows of a source, one diagram a subscription: `'^---!'`. */
  expectSubscriptions(source: MarbleSource<unknown>): LaneExpectation<string | readonly string[]>
  /**
   * Expects the lane of returned credits: the letter of each item at the time it was consumed, `'--a-b--c'`.
   * An item that was let go of with an error is in upper case; one that was never consumed is not there.
   */
  expectCredits(source: Deliveries<unknown>): LaneExpectation<string>
}
