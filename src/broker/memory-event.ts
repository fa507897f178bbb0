import type { Message } from '../core/index.js'
import type { Event } from './broker.js'

/** A message that a memory broker has taken. */
export interface Published {
  /** Its receipt's id. */
  readonly id: string
  /** Where it was published. */
  readonly topic: string
  /** What was published. */
  readonly message: Message
  /** The key that it was published with. */
  readonly key: string | undefined
  /** When, on the runtime's clock, ms. */
  readonly publishedAt: number
  /** Its number among all that the broker has taken; `undefined` when it keeps none. */
  readonly sequence: number | undefined
}

/** A message as it waits for one group. */
export interface Queued extends Published {
  /** Which delivery it waits for. */
  readonly attempt: number
  /** How often it has come back from the dead letters. */
  readonly replays: number
}

/** Who settles events by hand, or refuses to. */
export interface EventOwner {
  /** Acknowledges the message. */
  ack(event: Event): void
  /** Puts the message back. */
  nak(event: Event, delayMs: number | undefined): void
  /** Gives the message up. */
  reject(event: Event, error: unknown): void
}

/** One delivery of a message. */
export class MemoryEvent implements Event {
  readonly id: string
  readonly topic: string
  readonly message: Message
  readonly key: string | undefined
  readonly attempt: number
  readonly publishedAt: number
  readonly sequence: number | undefined
  private readonly owner: EventOwner

  constructor(queued: Queued, owner: EventOwner) {
    this.id = queued.id
    this.topic = queued.topic
    this.message = queued.message
    this.key = queued.key
    this.attempt = queued.attempt
    this.publishedAt = queued.publishedAt
    this.sequence = queued.sequence
    this.owner = owner
  }

  ack(): void {
    this.owner.ack(this)
  }

  nak(delayMs?: number): void {
    this.owner.nak(this, delayMs)
  }

  reject(error?: unknown): void {
    this.owner.reject(this, error)
  }
}
