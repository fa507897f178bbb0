import type { Observable } from 'rxjs'
import type { Message } from '../core/index.js'

/** Proof that the broker has a message. */
export interface Receipt {
  readonly topic: string
  /** Id of the message at the broker. */
  readonly id: string
}

/** One message at a subscriber. */
export interface Event {
  readonly topic: string
  readonly message: Message
  /** 1 for the first delivery. */
  readonly attempt: number
  /** When it was published, on the broker's clock, ms. */
  readonly publishedAt: number
  /** The message is done. Only with `ack: 'manual'`, otherwise consumption does it; the first of ack and nak counts. */
  ack(): void
  /** The message is to be delivered again, after `delayMs`. */
  nak(delayMs?: number): void
}

/** Options of {@link Broker.subscribe}. */
export interface SubscribeOptions {
  /** Name of the queue group: each message goes to one member. @default none: every subscriber gets every message */
  readonly queue?: string
  /** `consumed`: acknowledged when nothing holds the delivery any more; `manual`: by calling `ack` or `nak`. @default 'consumed' */
  readonly ack?: 'consumed' | 'manual'
  /** Most messages given to this subscriber and not yet acknowledged. @default 256 */
  readonly window?: number
}

/**
 * Carries events from publishers to subscribers by topic.
 *
 * 1. Topics are words of letters, digits, `_` and `-`, joined by dots, at most 255 characters. In `subscribe`, `*`
 *    stands for one word and a final `>` for one or more. Others are INVALID_ARGUMENT (reason `invalid_topic`).
 * 2. `publish` is cold, emits one receipt and completes when the broker has the message.
 * 3. `subscribe` is cold; unsubscribing leaves. Messages arrive in the order of publication as deliveries: when
 *    one is consumed it is acknowledged, when it is released with an error or the subscription closes while it is
 *    delivered, it is not, and goes to another member of the group or comes again with `attempt + 1`.
 * 4. Members of one queue group share messages; groups and plain subscribers do not affect each other.
 * 5. An error thrown by one subscriber reaches no other.
 */
export interface Broker {
  /** Name of the broker, `memory`. */
  readonly name: string
  publish(topic: string, message: Message): Observable<Receipt>
  subscribe(topic: string, options?: SubscribeOptions): Observable<Event>
}
