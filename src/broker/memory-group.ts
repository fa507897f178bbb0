import { type Subscriber, Subscription } from 'rxjs'
import { RingBuffer, RpcError, type Runtime } from '../core/index.js'
import type { Event } from './broker.js'
import { notAcknowledged } from './acknowledgement.js'
import { MemoryMember, type MemberOwner, type Queued } from './memory-member.js'

/** Deliveries in one turn, so that a busy topic leaves room for I/O. */
const TURN = 256

/** What the delay between attempts grows to, ms. */
const MAX_REDELIVER_AFTER_MS = 30_000

/** Keeps the doubled delay within 31 bits of shift. */
const MAX_DOUBLINGS = 30

/** What a group needs of the broker's options. */
export interface MemoryGroupOptions {
  /** Time and turns. */
  readonly runtime: Runtime
  /** Most messages that wait. */
  readonly maxPending: number
  /** Most deliveries of one message. */
  readonly maxDeliver: number
  /** Delay of the second delivery after an error, ms. */
  readonly redeliverAfterMs: number
  /** How long a queue group without members lasts, ms. */
  readonly keepGroupMs: number
}

/** Whom a group is for. */
export interface GroupKey {
  /** The topic subscribed to, a pattern perhaps. */
  readonly topic: string
  /** Name of the queue group; `undefined` for a subscriber by itself. */
  readonly queue: string | undefined
  /** Whether a topic is meant. */
  readonly matches: (topic: string) => boolean
  /** Told when the group is of no use any more. */
  readonly onEnd: () => void
  /** Takes what is not delivered any more, and why. */
  readonly onDead: (queued: Queued, cause: unknown) => void
}

/**
 * The subscribers that share messages: a queue group, or one subscriber by itself.
 *
 * A message is in one place at a time: in `fresh`, `again` or `delayed` it waits; in a member's `inFlight` it is at a
 * subscriber, or with whoever held it when the subscriber left. It goes by acknowledgement, or as a dead letter.
 */
export class MemoryGroup implements MemberOwner {
  /** The topic subscribed to, a pattern perhaps. */
  readonly topic: string
  /** Name of the queue group. */
  readonly queue: string | undefined
  /** Whether a topic is meant. */
  readonly matches: (topic: string) => boolean
  private readonly options: MemoryGroupOptions
  private readonly members: MemoryMember[]
  /** Whose turn it was last. */
  private turn: number
  private readonly fresh: RingBuffer<Queued>
  /** Not acknowledged and due; goes before what is fresh. */
  private readonly again: RingBuffer<Queued>
  /** What waits for its time, each with a timer. */
  private readonly delayed: Set<Queued>
  /** How many are not acknowledged yet, wherever they are. */
  private open: number
  private readonly timers: Subscription
  private lastMoments: Subscription | undefined
  private ended: boolean
  private scheduled: boolean
  private readonly onEnd: () => void
  private readonly onDead: (queued: Queued, cause: unknown) => void

  constructor({ topic, queue, matches, onEnd, onDead }: GroupKey, options: MemoryGroupOptions) {
    this.topic = topic
    this.queue = queue
    this.matches = matches
    this.onEnd = onEnd
    this.onDead = onDead
    this.options = options
    this.members = []
    this.turn = -1
    this.fresh = new RingBuffer()
    this.again = new RingBuffer()
    this.delayed = new Set()
    this.open = 0
    this.timers = new Subscription()
    this.lastMoments = undefined
    this.ended = false
    this.scheduled = false
  }

  /** Names it for people. */
  get title(): string {
    return this.queue === undefined ? `a subscriber of ${this.topic}` : `queue ${this.queue} of ${this.topic}`
  }

  /** How many messages are not at a member. */
  get waiting(): number {
    return this.due + this.delayed.size
  }

  /** How many wait for nothing but room at a member. */
  private get due(): number {
    return this.fresh.length + this.again.length
  }

  /** Adds a member; the returned function takes it out again, once. */
  join(subscriber: Subscriber<Event>, window: number, manual: boolean): () => void {
    const member = new MemoryMember(this, { subscriber, window, manual })
    this.members.push(member)
    this.lastMoments?.unsubscribe()
    this.schedule()
    return () => {
      this.members.splice(this.members.indexOf(member), 1)
      if (this.members.length === 0 && this.queue === undefined) this.end()
      for (const queued of member.leave()) this.putBack(queued, 0)
      if (this.members.length === 0) this.endSoon()
    }
  }

  /** Queues a new message; it is delivered in a later turn. */
  push(queued: Queued): void {
    this.open++
    this.fresh.push(queued)
    this.schedule()
  }

  acknowledged(): void {
    this.open--
    if (this.open === 0 && this.members.length === 0) this.end()
    this.schedule()
  }

  reject(queued: Queued, cause: unknown): void {
    this.giveUp(queued, cause)
    this.schedule()
  }

  putBack(queued: Queued, delayMs?: number, cause?: unknown): void {
    const { maxDeliver, redeliverAfterMs } = this.options
    const doublings = Math.min(queued.attempt - 1, MAX_DOUBLINGS)
    const wait = delayMs ?? Math.min(MAX_REDELIVER_AFTER_MS, redeliverAfterMs * (1 << doublings))
    const next = { ...queued, attempt: queued.attempt + 1 }
    if (this.ended || next.attempt > maxDeliver) this.giveUp(queued, cause)
    else if (wait === 0) this.again.push(next)
    else this.delay(next, wait)
    this.schedule() // there is room at a member now
  }

  /** Sees to it that what waits is delivered, as far as there is room at a member. */
  private schedule(): void {
    if (this.scheduled || this.due === 0) return
    if (!this.members.some(member => member.hasRoom)) return
    this.scheduled = true
    this.options.runtime.macrotask(() => {
      this.drain()
      this.scheduled = false
      this.schedule()
    })
  }

  private delay(queued: Queued, wait: number): void {
    this.delayed.add(queued)
    const timer = this.options.runtime.scheduler.schedule(() => {
      this.timers.remove(timer)
      this.delayed.delete(queued)
      this.again.push(queued)
      this.schedule()
    }, wait)
    this.timers.add(timer)
  }

  private drain(): void {
    for (let given = 0; given < TURN && this.due > 0; given++) {
      const member = this.nextMember() // asked only when something is due, for that moves the turn on
      const queued = member && (this.again.shift() ?? this.fresh.shift())
      if (queued === undefined) return
      member?.give(queued)
    }
  }

  /** The next in turn that has room. */
  private nextMember(): MemoryMember | undefined {
    for (let tried = 0; tried < this.members.length; tried++) {
      this.turn = (this.turn + 1) % this.members.length
      const member = this.members[this.turn]
      if (member?.hasRoom) return member
    }
    return undefined
  }

  private giveUp(queued: Queued, cause: unknown): void {
    this.open--
    if (this.ended && this.queue === undefined) return // who asked for it does not want it any more
    this.onDead(queued, cause ?? (this.ended ? noMembers(this.title) : notAcknowledged(queued.attempt)))
  }

  /** Without members: ends at once when nothing is open, otherwise when nobody has come back in time. */
  private endSoon(): void {
    const { keepGroupMs, runtime } = this.options
    if (this.ended) return
    if (this.open === 0 || keepGroupMs === 0) this.end()
    else this.lastMoments = runtime.scheduler.schedule(() => this.end(), keepGroupMs)
  }

  private end(): void {
    this.ended = true
    this.timers.unsubscribe()
    this.lastMoments?.unsubscribe()
    this.onEnd()
    for (const queued of [...emptied(this.again), ...this.delayed, ...emptied(this.fresh)]) {
      this.giveUp({ ...queued, attempt: queued.attempt - 1 }, undefined) // it has not been delivered this time
    }
    this.delayed.clear()
  }
}

function emptied(buffer: RingBuffer<Queued>): readonly Queued[] {
  const items: Queued[] = []
  for (let item = buffer.shift(); item !== undefined; item = buffer.shift()) items.push(item)
  return items
}

function noMembers(title: string): RpcError {
  return new RpcError('UNAVAILABLE', `${title} has no members any more`, { reason: 'no_members' })
}
