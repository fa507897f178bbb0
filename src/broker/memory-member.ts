import type { Subscriber } from 'rxjs'
import type { Message } from '../core/index.js'
import { deliver } from '../streams/index.js'
import { checkDelay, checkManual } from './acknowledgement.js'
import type { Event } from './broker.js'
import { isUnprocessable } from './unprocessable.js'

/** A message as it waits for one group. */
export interface Queued {
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
  /** Which delivery it waits for. */
  readonly attempt: number
  /** How often it has come back from the dead letters. */
  readonly replays: number
}

/** Who gives a member its messages. */
export interface MemberOwner {
  /** Takes back what was not acknowledged, to be delivered after `delayMs`, by default after a growing delay. */
  putBack(queued: Queued, delayMs?: number, cause?: unknown): void
  /** Takes a message that is not to be delivered again. */
  reject(queued: Queued, cause: unknown): void
  /** Hears that a member is done with a message. */
  acknowledged(): void
}

/** Who listens, and how. */
export interface MemberOptions {
  /** Where the events go. */
  readonly subscriber: Subscriber<Event>
  /** Most messages that are in flight. */
  readonly window: number
  /** Whether `ack` and `nak` settle events, instead of consumption. */
  readonly manual: boolean
}

/** One subscriber and the messages that it was given and has not acknowledged. */
export class MemoryMember {
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
    const { manual, subscriber } = this.options
    const event = new MemoryEvent(queued, this)
    this.inFlight.set(event, queued)
    this.giving = event
    // Manual events are deliveries too: who forwards them holds them, instead of running over.
    deliver(subscriber, event, error => {
      if (!manual) this.consumed(event, error)
    })
    this.giving = undefined
  }

  /** Ends it, and gives what goes to others; what is held stays with its holders. */
  leave(): readonly Queued[] {
    const unfinished: Queued[] = []
    for (const [event, queued] of this.inFlight) {
      if (this.options.manual || event === this.giving) unfinished.push(queued)
    }
    if (this.options.manual) this.inFlight.clear()
    else if (this.giving !== undefined) this.inFlight.delete(this.giving)
    return unfinished
  }

  /** Settles an event by hand. */
  ack(event: Event): void {
    checkManual(this.options.manual, 'ack')
    if (this.settle(event) !== undefined) this.owner.acknowledged()
  }

  /** Puts an event back by hand. */
  nak(event: Event, delayMs: number | undefined): void {
    checkManual(this.options.manual, 'nak')
    checkDelay(delayMs)
    const queued = this.settle(event)
    if (queued !== undefined) this.owner.putBack(queued, delayMs)
  }

  /** Gives an event up by hand. */
  reject(event: Event, cause: unknown): void {
    checkManual(this.options.manual, 'reject')
    const queued = this.settle(event)
    if (queued !== undefined) this.owner.reject(queued, cause)
  }

  private consumed(event: Event, error: unknown): void {
    const queued = this.settle(event)
    if (queued === undefined) return
    if (error === undefined) this.owner.acknowledged()
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

class MemoryEvent implements Event {
  readonly id: string
  readonly topic: string
  readonly message: Message
  readonly key: string | undefined
  readonly attempt: number
  readonly publishedAt: number
  private readonly member: MemoryMember

  constructor(queued: Queued, member: MemoryMember) {
    this.id = queued.id
    this.topic = queued.topic
    this.message = queued.message
    this.key = queued.key
    this.attempt = queued.attempt
    this.publishedAt = queued.publishedAt
    this.member = member
  }

  ack(): void {
    this.member.ack(this)
  }

  nak(delayMs?: number): void {
    this.member.nak(this, delayMs)
  }

  reject(error?: unknown): void {
    this.member.reject(this, error)
  }
}
