import type { Subscriber } from 'rxjs'
import { acknowledged, deliver } from '../streams/index.js'
import { checkDelay, checkManual } from './acknowledgement.js'
import type { Event, SubscribeOptions } from './broker.js'
import { type EventOwner, MemoryEvent, type Queued } from './memory-event.js'
import { isUnprocessable } from './unprocessable.js'

/** Who gives a member its messages. */
export interface MemberOwner {
  /** Takes back what was not acknowledged, to be delivered after `delayMs`, by default after a growing delay. */
  putBack(queued: Queued, delayMs?: number, cause?: unknown): void
  /** Takes a message that is not to be delivered again. */
  reject(queued: Queued, cause: unknown): void
  /** Hears that a member is done with a message. */
  acknowledged(queued: Queued): void
}

/** Who listens, and how. */
export interface MemberOptions {
  /** Where the events go. */
  readonly subscriber: Subscriber<Event>
  /** Most messages that are in flight. */
  readonly window: number
  /** What settles events. */
  readonly ack: Required<SubscribeOptions>['ack']
}

/** One subscriber and the messages that it was given and has not acknowledged. */
export class MemoryMember implements EventOwner {
  private readonly owner: MemberOwner
  private readonly options: MemberOptions
  /** What it has, in the order of delivery. */
  private readonly inFlight: Map<Event, Queued>
  /** The event whose `next` runs. */
  private giving: Event | undefined

  constructor(owner: MemberOwner, options: MemberOptions) {
    this.owner = owner
    this.options = options
    this.inFlight = new Map()
    this.giving = undefined
  }

  /** Whether it takes one more message. */
  get hasRoom(): boolean {
    return this.inFlight.size < this.options.window
  }

  /** Delivers a message; it must have room. */
  give(queued: Queued): void {
    const { ack, subscriber } = this.options
    const event = new MemoryEvent(queued, this)
    this.inFlight.set(event, queued)
    this.giving = event
    // Events that consumption does not settle are deliveries too: who forwards them holds them, instead of running over.
    const onConsumed = (error?: unknown): void => {
      if (ack !== 'manual') this.consumed(event, error)
    }
    deliver(subscriber, event, ack === 'consumed' ? acknowledged(onConsumed) : onConsumed)
    this.giving = undefined
  }

  /** Ends its subscription with an error. */
  fail(error: unknown): void {
    this.options.subscriber.error(error)
  }

  /** Ends it, and gives what goes to others; what is held stays with its holders. */
  leave(): readonly Queued[] {
    const { ack } = this.options
    if (ack === 'none') return []
    const unfinished: Queued[] = []
    for (const [event, queued] of this.inFlight) {
      if (ack === 'manual' || event === this.giving) unfinished.push(queued)
    }
    if (ack === 'manual') this.inFlight.clear()
    else if (this.giving !== undefined) this.inFlight.delete(this.giving)
    return unfinished
  }

  ack(event: Event): void {
    checkManual(this.isManual, 'ack')
    const queued = this.settle(event)
    if (queued !== undefined) this.owner.acknowledged(queued)
  }

  nak(event: Event, delayMs: number | undefined): void {
    checkManual(this.isManual, 'nak')
    checkDelay(delayMs)
    const queued = this.settle(event)
    if (queued !== undefined) this.owner.putBack(queued, delayMs)
  }

  reject(event: Event, cause: unknown): void {
    checkManual(this.isManual, 'reject')
    const queued = this.settle(event)
    if (queued !== undefined) this.owner.reject(queued, cause)
  }

  private get isManual(): boolean {
    return this.options.ack === 'manual'
  }

  private consumed(event: Event, error: unknown): void {
    const queued = this.settle(event)
    if (queued === undefined) return
    if (error === undefined || this.options.ack === 'none') this.owner.acknowledged(queued)
    else if (isUnprocessable(error)) this.owner.reject(queued, error)
    else this.owner.putBack(queued, undefined, error)
  }

  /** The message of an event that was in flight until now. */
  private settle(event: Event): Queued | undefined {
    const queued = this.inFlight.get(event)
    this.inFlight.delete(event)
    return queued
  }
}
