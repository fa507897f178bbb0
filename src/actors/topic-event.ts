import type { Event } from '../broker/index.js'
import type { Header } from '../core/index.js'

/** One message of a topic at a subscriber, with what is known about it: an event of the broker whose value is checked. */
export interface TopicEvent<T> extends Omit<Event, 'message'> {
  /** What was published, as the schema of the topic gives it. */
  readonly value: T
  /** Names and values that were published with it. */
  readonly header: Header
}

/** `event` with `value` as its checked value. */
export function topicEvent(event: Event, value: unknown): TopicEvent<unknown> {
  return new CheckedEvent(event, value)
}

class CheckedEvent implements TopicEvent<unknown> {
  readonly id: string
  readonly topic: string
  readonly value: unknown
  readonly header: Header
  readonly attempt: number
  readonly publishedAt: number
  readonly sequence: number | undefined
  readonly key: string | undefined
  private readonly event: Event

  constructor(event: Event, value: unknown) {
    this.id = event.id
    this.topic = event.topic
    this.value = value
    this.header = event.message.header
    this.attempt = event.attempt
    this.publishedAt = event.publishedAt
    this.sequence = event.sequence
    this.key = event.key
    this.event = event
  }

  ack(): void {
    this.event.ack()
  }

  nak(delayMs?: number): void {
    this.event.nak(delayMs)
  }

  reject(error?: unknown): void {
    this.event.reject(error)
  }
}
