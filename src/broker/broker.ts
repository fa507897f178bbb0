import type { Observable } from 'rxjs'
import type { Message } from '../core/index.js'
import type { OverflowPolicy } from '../streams/index.js'
import type { BrokerStatus } from './broker-status.js'
import type { DeadLetters } from './dead-letters.js'

/** Proof that the broker has a message. */
export interface Receipt {
  /** Where it was published. */
  readonly topic: string
  /** Id of the message at the broker. */
  readonly id: string
  /** Number of the message in the broker's log; `undefined` where it keeps none. */
  readonly sequence?: number
  /** Whether the broker had a message of that id already, so that this one changed nothing. @default false */
  readonly duplicate?: boolean
}

/** Options of {@link Broker.publish}. */
export interface PublishOptions {
  /** Id of the message, by which a broker with memory knows one that it has already. @default one that nobody else has */
  readonly id?: string
  /** What subscriptions with `ordered` keep in order: messages of one key. @default none, in order with none */
  readonly key?: string
}

/** One message at a subscriber. */
export interface Event {
  /** The receipt's id, equal in every attempt: what a consumer that must not act twice compares. */
  readonly id: string
  /** Where it was published; never a pattern. */
  readonly topic: string
  /** What was published; shared with other subscribers where the broker is in the process, so not to be changed. */
  readonly message: Message
  /** 1 for the first delivery. */
  readonly attempt: number
  /** When it was published, on the broker's clock, ms. */
  readonly publishedAt: number
  /** Number of the message in the broker's log; `undefined` where it keeps none. */
  readonly sequence?: number | undefined
  /** The key that it was published with. */
  readonly key?: string | undefined
  /**
   * The message is done. Of `ack`, `nak` and the end of the subscription the first counts, the others do nothing.
   * Throws FAILED_PRECONDITION (reason `ack_not_manual`) unless the subscription was made with `ack: 'manual'`.
   */
  ack(): void
  /**
   * The message is to be delivered again, `delayMs` from now, by default after the broker's own delay. Throws as `ack`
   * does, and INVALID_ARGUMENT (reason `invalid_delay`) for a delay that is not 0 to 2³¹ - 1.
   */
  nak(delayMs?: number): void
  /**
   * The message is never to be delivered again: it becomes a dead letter at once, with `error` as the reason. Throws as
   * `ack` does. Where consumption acknowledges, an error with the reason `unprocessable` does the same.
   */
  reject(error?: unknown): void
}

/**
 * Where a subscription begins: with what is published from now on, or with what the broker has kept: everything, the last
 * `last` messages, those from `sequence` on, or those published at `time` (ms) or later.
 */
export type From = 'new' | 'all' | { readonly last: number } | { readonly sequence: number } | { readonly time: number }

/** Options of {@link Broker.subscribe}. */
export interface SubscribeOptions {
  /** Name of the queue group: each message goes to one member. @default none: every subscriber gets every message */
  readonly queue?: string
  /**
   * `consumed`: acknowledged when nothing holds the delivery any more; `manual`: by calling `ack`, `nak` or `reject`;
   * `none`: not at all, every message comes once. @default 'consumed'
   */
  readonly ack?: 'consumed' | 'manual' | 'none'
  /** Most messages given to this subscriber and not yet acknowledged. @default 256 */
  readonly window?: number
  /**
   * Where to begin; a queue group that the broker knows already goes on where it was. Those that keep nothing refuse
   * all but `new` with FAILED_PRECONDITION (reason `no_replay`). @default 'new'
   */
  readonly from?: From
  /**
   * Messages of one key one after the other: the next comes when the last is acknowledged, or a dead letter. Messages of
   * other keys do not wait for it. @default false
   */
  readonly ordered?: boolean
  /**
   * What happens when too much waits for the subscriber, or its group: `error` fails the subscription with
   * RESOURCE_EXHAUSTED (reason `overflow`), the others lose messages that were never delivered. @default `publish` fails,
   * and `error` where publishers cannot be told, as over NATS
   */
  readonly overflow?: OverflowPolicy
}

/**
 * Carries events from publishers to subscribers by topic.
 *
 * 1. Topics are words of letters, digits, `_` and `-`, joined by dots, at most 255 characters. In `subscribe`, `*`
 *    stands for one word and a final `>` for one or more. Others are INVALID_ARGUMENT (reason `invalid_topic`).
 * 2. `publish` is cold, emits one receipt and completes when the broker has the message; one that fails has reached
 *    no subscriber, or says that it may have. No subscriber runs before `publish` returns.
 * 3. `subscribe` is cold; unsubscribing leaves. First deliveries arrive in the order of publication, at most `window`
 *    of them unacknowledged. The rest waits in the broker, bounded: when there is no room, `publish` fails, unless the
 *    subscription says what to lose with `overflow`.
 * 4. Each message arrives as a delivery. With `ack: 'consumed'` it is acknowledged when it is consumed, also after the
 *    subscription has ended, for who holds it then (the unfinished work of a `pacedMap`) says how it went. It is not
 *    acknowledged when it is released with an error, or when the subscription ends inside its `next`.
 * 5. With `ack: 'manual'` only `ack`, `nak` and `reject` count, and what none was called for when the subscription ends
 *    is not acknowledged. With `ack: 'none'` every message comes once, whatever becomes of it.
 * 6. What is not acknowledged comes again, to any member of the group, with `attempt + 1` and after a delay that grows
 *    with the attempts, while others go on: at least once, as long as the group has members.
 * 7. What has failed too often becomes a dead letter of its group, and what is rejected, or released with an error of
 *    the reason `unprocessable`, does so at once. Nothing is given up in any other way than these and `overflow`.
 * 8. The members of a queue group are the subscribers with the same `queue` and the same topic; a subscriber without
 *    `queue` is a group of its own. Groups do not affect each other, but that `publish` needs room in all of them.
 * 9. An error thrown by one subscriber reaches no other.
 * 10. Wrong topics and options are errors of the Observable, on subscribe.
 */
export interface Broker {
  /** Name of the broker, `memory`. */
  readonly name: string
  /** How the way to the broker is, the last first. Watching keeps nothing open. Never ends. */
  readonly status$: Observable<BrokerStatus>
  /** What subscribers were not able to process. */
  readonly deadLetters: DeadLetters
  /** Hands a message to everyone who is subscribed to `topic` at this moment. */
  publish(topic: string, message: Message, options?: PublishOptions): Observable<Receipt>
  /** The messages published to `topic`, which may have wildcards, from now on. It ends only with an error. */
  subscribe(topic: string, options?: SubscribeOptions): Observable<Event>
}
