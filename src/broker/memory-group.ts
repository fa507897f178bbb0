import { type Subscriber, type Subscription } from 'rxjs'
import { RpcError, type Runtime } from '../core/index.js'
import type { OverflowPolicy } from '../streams/index.js'
import { notAcknowledged } from './acknowledgement.js'
import type { Event, SubscribeOptions } from './broker.js'
import { MemoryBacklog } from './memory-backlog.js'
import type { Queued } from './memory-event.js'
import { MemoryMember, type MemberOwner } from './memory-member.js'

/** Deliveries in one turn, so that a busy topic leaves room for I/O. */
const TURN = 256

/** What a group needs of the broker's options. */
export interface MemoryGroupOptions {
  /** Time and turns. */
  readonly runtime: Runtime
  /** Most messages that wait. */
  readonly maxPending: number
  /** Most deliveries of one message. */
  readonly maxDeliver: number
  /** Time until a message comes again after each attempt, ms; the last is that of all further attempts. */
  readonly backoffMs: readonly number[]
  /** How long a queue group without members lasts, ms. */
  readonly keepGroupMs: number
}

/** Whom a group is for, and how it is served. */
export interface GroupSettings {
  /** The topic subscribed to, a pattern perhaps. */
  readonly topic: string
  /** Name of the queue group; `undefined` for a subscriber by itself. */
  readonly queue: string | undefined
  /** Whether a topic is meant. */
  readonly matches: (topic: string) => boolean
  /** Whether messages of one key wait for each other. */
  readonly ordered: boolean
  /** What to lose when too much waits; `undefined` for nothing, then `publish` is refused. */
  readonly overflow: OverflowPolicy | undefined
}

/** Who hears what becomes of a group and its messages. */
export interface GroupOwner {
  /** A message is not delivered any more, for a reason. */
  gaveUp(group: MemoryGroup, queued: Queued, cause: unknown): void
  /** A message is lost because too much waits, as the subscriber wanted. */
  lost(group: MemoryGroup, queued: Queued): void
  /** The group is of no use any more. */
  ended(group: MemoryGroup): void
}

/**
 * The subscribers that share messages: a queue group, or one subscriber by itself.
 *
 * A message is in one place at a time: in the backlog it waits; in a member's `inFlight` it is at a subscriber, or with
 * whoever held it when the subscriber left. It goes by acknowledgement, or as a dead letter.
 */
export class MemoryGroup implements MemberOwner {
  /** Whom it is for, and how it is served. */
  readonly settings: GroupSettings
  private readonly options: MemoryGroupOptions
  private readonly owner: GroupOwner
  private readonly members: MemoryMember[]
  /** Whose turn it was last. */
  private turn: number
  private readonly backlog: MemoryBacklog
  /** Most messages that wait: what it began with, which is bounded elsewhere, is allowed on top. */
  private limit: number
  /** How many are not acknowledged yet, wherever they are. */
  private open: number
  private lastMoments: Subscription | undefined
  private ended: boolean
  private scheduled: boolean

  constructor(settings: GroupSettings, options: MemoryGroupOptions, owner: GroupOwner) {
    this.settings = settings
    this.options = options
    this.owner = owner
    this.members = []
    this.turn = -1
    this.backlog = new MemoryBacklog({ ...options, ordered: settings.ordered, onDue: () => this.schedule() })
    this.limit = options.maxPending
    this.open = 0
    this.lastMoments = undefined
    this.ended = false
    this.scheduled = false
  }

  /** Names it for people. */
  get title(): string {
    const { queue, topic } = this.settings
    return queue === undefined ? `a subscriber of ${topic}` : `queue ${queue} of ${topic}`
  }

  /** How many messages are not at a member. */
  get waiting(): number {
    return this.backlog.length
  }

  /** Whether as many wait as may. */
  get isFull(): boolean {
    return this.waiting >= this.limit
  }

  /** Whether a new message would have to be refused. */
  get refuses(): boolean {
    return this.settings.overflow === undefined && this.isFull
  }

  /** Adds a member; the returned function takes it out again, once. */
  join(subscriber: Subscriber<Event>, { window, ack }: Required<Pick<SubscribeOptions, 'window' | 'ack'>>): () => void {
    const member = new MemoryMember(this, { subscriber, window, ack })
    this.members.push(member)
    this.lastMoments?.unsubscribe()
    this.schedule()
    return () => {
      this.members.splice(this.members.indexOf(member), 1)
      if (this.members.length === 0 && this.settings.queue === undefined) this.end()
      for (const queued of member.leave()) this.putBack(queued, 0)
      if (this.members.length === 0) this.endSoon()
    }
  }

  /** Gives it the messages that it begins with, however many. */
  begin(replayed: readonly Queued[]): void {
    this.limit += replayed.length
    for (const queued of replayed) this.push(queued)
  }

  /** Takes a new message, or loses one as its settings say; it is delivered in a later turn. */
  offer(queued: Queued): void {
    const { overflow } = this.settings
    if (overflow === 'latest' && !this.hasRoom) this.loseAllFresh()
    else if (this.isFull && overflow === 'dropOldest') this.loseFresh()
    if (!this.isFull) this.push(queued)
    else if (overflow === 'error') this.overflowWith(queued)
    else this.owner.lost(this, queued)
  }

  /** Queues a message; it is delivered in a later turn. */
  push(queued: Queued): void {
    this.open++
    this.backlog.add(queued)
    this.schedule()
  }

  acknowledged(queued: Queued): void {
    this.open--
    this.backlog.done(queued)
    if (this.open === 0 && this.members.length === 0) this.end()
    this.schedule()
  }

  reject(queued: Queued, cause: unknown): void {
    this.giveUp(queued, cause)
    this.schedule()
  }

  putBack(queued: Queued, delayMs?: number, cause?: unknown): void {
    const { maxDeliver, backoffMs } = this.options
    const wait = delayMs ?? backoffMs[Math.min(queued.attempt, backoffMs.length) - 1] ?? 0
    if (this.ended || queued.attempt >= maxDeliver) this.giveUp(queued, cause)
    else this.backlog.addAgain({ ...queued, attempt: queued.attempt + 1 }, wait)
    this.schedule() // there is room at a member now
  }

  /** Whether a member takes one more message. */
  private get hasRoom(): boolean {
    return this.members.some(member => member.hasRoom)
  }

  /** Sees to it that what waits is delivered, as far as there is room at a member. */
  private schedule(): void {
    if (this.scheduled || this.backlog.due === 0 || !this.hasRoom) return
    this.scheduled = true
    this.options.runtime.macrotask(() => {
      this.drain()
      this.scheduled = false
      this.schedule()
    })
  }

  private drain(): void {
    for (let given = 0; given < TURN && this.backlog.due > 0; given++) {
      const member = this.nextMember() // asked only when something is due, for that moves the turn on
      const queued = member && this.backlog.take()
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

  private loseFresh(): boolean {
    const queued = this.backlog.takeFresh()
    if (queued === undefined) return false
    this.open--
    this.owner.lost(this, queued)
    return true
  }

  private loseAllFresh(): void {
    while (this.loseFresh());
  }

  /** Ends the subscriptions, in a later turn: no subscriber runs inside `publish`. */
  private overflowWith(queued: Queued): void {
    const error = overflowed(this.title, this.waiting)
    this.push(queued)
    this.options.runtime.macrotask(() => {
      this.end(error)
      for (const member of [...this.members]) member.fail(error)
    })
  }

  private giveUp(queued: Queued, cause: unknown): void {
    this.open--
    this.backlog.done(queued)
    if (this.ended && this.settings.queue === undefined) return // who asked for it does not want it any more
    this.owner.gaveUp(this, queued, cause ?? (this.ended ? noMembers(this.title) : notAcknowledged(queued.attempt)))
  }

  /** Without members: ends at once when nothing is open, otherwise when nobody has come back in time. */
  private endSoon(): void {
    const { keepGroupMs, runtime } = this.options
    if (this.ended) return
    if (this.open === 0 || keepGroupMs === 0) this.end()
    else this.lastMoments = runtime.scheduler.schedule(() => this.end(), keepGroupMs)
  }

  private end(cause?: RpcError): void {
    if (this.ended) return
    this.ended = true
    this.lastMoments?.unsubscribe()
    this.owner.ended(this)
    for (const queued of this.backlog.end()) {
      this.giveUp({ ...queued, attempt: queued.attempt - 1 }, cause) // it has not been delivered this time
    }
  }
}

function noMembers(title: string): RpcError {
  return new RpcError('UNAVAILABLE', `${title} has no members any more`, { reason: 'no_members' })
}

function overflowed(title: string, waiting: number): RpcError {
  const message = `${title}: ${waiting} messages wait for it and the next one is there; work faster, or say what to lose`
  return new RpcError('RESOURCE_EXHAUSTED', message, { reason: 'overflow', details: { waiting } })
}
