import type { Observable } from 'rxjs'
import type { Header } from '../../core/index.js'
import type { BrokerStatus } from '../broker-status.js'

/** What a log keeps of one message. */
export interface LogRecord {
  /** Where it belongs. */
  readonly topic: string
  /** Id by which the log knows a message that it has already, for a while. */
  readonly id: string
  /** Names and values beside the payload. */
  readonly header: Header
  /** The message as an envelope wrote it. */
  readonly payload: Uint8Array
}

/** Proof that the log has a record. */
export interface Appended {
  /** Number of the record in the log, growing. */
  readonly sequence: number
  /** Whether the log had a record of that id already; `sequence` is that one's then. */
  readonly duplicate: boolean
}

/** A record as it is kept. */
export interface StoredRecord extends LogRecord {
  /** Its number in the log. */
  readonly sequence: number
  /** When it was appended, on the log's clock, ms. */
  readonly appendedAt: number
}

/** A record that a consumer was given, and must settle. */
export interface LogDelivery extends StoredRecord {
  /** 1 for the first delivery to the consumer. */
  readonly attempt: number
  /** It is done. Lost when the log is away: then it comes again. */
  ack(): void
  /** It is to come again, `delayMs` from now. */
  nak(delayMs: number): void
  /** It is still being worked on: the time until it comes again by itself begins anew. */
  working(): void
}

/** Where a consumer begins that the log does not know yet; a sequence that the log has not come to counts as `all`. */
export type StartPosition =
  | { readonly kind: 'new' }
  | { readonly kind: 'all' }
  | { readonly kind: 'last'; readonly count: number }
  | { readonly kind: 'sequence'; readonly sequence: number }
  | { readonly kind: 'time'; readonly ms: number }

/** Which consumer is meant, and how it is made when the log does not know it. */
export interface ConsumerOptions {
  /** Topic, which may have wildcards. */
  readonly topic: string
  /** Name of the queue group, by which the log remembers how far it has come; `undefined` for a consumer that dies with its subscription. */
  readonly queue: string | undefined
  /** Who attaches: the same for all attachments of one subscription, and for no other. */
  readonly member: string
  /** Where it begins. */
  readonly start: StartPosition
  /** Time after which a delivery that nothing was heard of comes again, ms. */
  readonly ackWaitMs: number
  /**
   * `shared`: whoever has the name shares the records. `exclusive`: one of them has them all, in order, from the first
   * that is not acknowledged on; the others wait until it has gone. `unacknowledged`: nothing is acknowledged, every
   * record comes once and in order as far as the log is concerned.
   */
  readonly mode: 'shared' | 'exclusive' | 'unacknowledged'
}

/** A consumer while it is attached. */
export interface LogConsumer {
  /** Sequence of the first record that it may have, had it been made just now. */
  readonly next: number
  /** Records as they come, no more than were asked for, in turns of their own. One subscriber. Never ends by itself. */
  readonly deliveries$: Observable<LogDelivery>
  /** Asks for `count` more records. */
  request(count: number): void
}

/**
 * A log of messages that outlives its users, with consumers that remember how far they have come: what JetStream is,
 * and all that {@link durableBroker} asks of it.
 *
 * Every method is cold and makes one attempt a subscription: who calls decides whether and when to try again. Failures
 * are RpcErrors that name the server and the cause: UNAVAILABLE (reason `broker_unavailable`) when it cannot be reached
 * or does not answer in time, retry safe when nothing was sent; RESOURCE_EXHAUSTED (`message_too_large`, `log_full`);
 * FAILED_PRECONDITION (`no_jetstream`, `settings_differ`, `no_log_for_topic`); UNAUTHENTICATED and PERMISSION_DENIED.
 */
export interface MessageLog {
  /** Name of the kind of log, `jetstream`. */
  readonly name: string
  /** How the way to it is. Watching keeps nothing open. Never ends. */
  readonly status$: Observable<BrokerStatus>
  /** Keeps what attempts need, as connections, while it is subscribed. Emits nothing, never ends. */
  readonly open$: Observable<never>
  /** Appends a record, unless the log has one of that id. Emits once. */
  append(record: LogRecord): Observable<Appended>
  /**
   * Attaches to a consumer, which is made or checked first. Emits it once it is there, and fails when it is lost.
   * Unsubscribing lets it go: what is under way to us then goes to others soon, what was delivered can still be settled.
   */
  consume(options: ConsumerOptions): Observable<LogConsumer>
  /** The records there are under a topic, which may have wildcards, the oldest first. Completes. */
  read(topic: string): Observable<StoredRecord>
  /** Takes records away, each by its number; those that are gone already are no error. Completes. */
  remove(sequences: readonly number[]): Observable<never>
}
