import type { Message } from '../../core/index.js'
import type { Event } from '../broker.js'
import { checkDelay, checkManual } from '../acknowledgement.js'
import type { LogDelivery } from './message-log.js'

/** How an event was settled by hand. */
export type Settlement =
  | { readonly kind: 'ack' }
  | { readonly kind: 'nak'; readonly delayMs: number | undefined }
  | { readonly kind: 'reject'; readonly error: unknown }

/** Who hears how an event is settled by hand; `undefined` where consumption does it. */
export type OnSettled = ((event: DurableEvent, settlement: Settlement) => void) | undefined

/** What is known of a message beside its delivery. */
export interface EventFacts {
  /** Id of the message. */
  readonly id: string
  /** The key that it was published with. */
  readonly key: string | undefined
  /** What was published. */
  readonly message: Message
}

/** A message in the hands of a subscriber. */
export class DurableEvent implements Event {
  readonly id: string
  readonly topic: string
  readonly message: Message
  readonly key: string | undefined
  readonly sequence: number
  readonly publishedAt: number
  readonly attempt: number
  /** What settles it at the log: the newest, when it has come again while it was in hand. */
  delivery: LogDelivery
  private readonly onSettled: OnSettled

  constructor({ id, key, message }: EventFacts, delivery: LogDelivery, onSettled: OnSettled, attempt?: number) {
    this.id = id
    this.topic = delivery.topic
    this.message = message
    this.key = key
    this.sequence = delivery.sequence
    this.publishedAt = delivery.appendedAt
    this.attempt = attempt ?? delivery.attempt
    this.delivery = delivery
    this.onSettled = onSettled
  }

  /** The same message, for its next attempt. */
  again(): DurableEvent {
    return new DurableEvent(this, this.delivery, this.onSettled, this.attempt + 1)
  }

  ack(): void {
    this.settle({ kind: 'ack' })
  }

  nak(delayMs?: number): void {
    checkManual(this.onSettled !== undefined, 'nak')
    checkDelay(delayMs)
    this.settle({ kind: 'nak', delayMs })
  }

  reject(error?: unknown): void {
    this.settle({ kind: 'reject', error })
  }

  private settle(settlement: Settlement): void {
    checkManual(this.onSettled !== undefined, settlement.kind)
    this.onSettled?.(this, settlement)
  }
}
