import { type Observable, Subject, type Subscription } from 'rxjs'
import { RingBuffer, type Runtime } from '../../core/index.js'
import type { ConsumerOptions, LogConsumer, LogDelivery, StartPosition, StoredRecord } from './message-log.js'

/** What a consumer sees of its log. */
export interface Position {
  /** Whether a topic is meant. */
  readonly matches: (topic: string) => boolean
  /** The records there are, by sequence. */
  readonly records: ReadonlyMap<number, StoredRecord>
  /** Sequence of the newest record there was. */
  readonly last: () => number
  /** Time and turns. */
  readonly runtime: Runtime
}

/** A record that was delivered and not acknowledged. */
interface Open {
  /** How often it was delivered. */
  attempt: number
  /** Who has it; `undefined` while it waits to come again. */
  holder: Member | undefined
  /** Until it comes again by itself, or is due. */
  timer: Subscription | undefined
}

/** Deliveries in one turn. */
const TURN = 256

/** A consumer of a memory log: how far it has come, what is not acknowledged, and who is attached. */
export class MemoryConsumer {
  private readonly position: Position
  private readonly ackWaitMs: number
  private readonly isAcknowledged: boolean
  private readonly members: Member[]
  private turn: number
  /** Everything up to here has been delivered once, or is not meant. */
  private cursor: number
  /** By sequence, in the order of the first delivery. */
  private readonly open: Map<number, Open>
  /** Sequences that are due again. */
  private readonly due: RingBuffer<number>
  private scheduled: boolean
  /** Whoever has all records; `undefined` while they are shared, or nobody has. */
  private owner: Member | undefined
  private isExclusive: boolean

  constructor(position: Position, { start, ackWaitMs, mode }: ConsumerOptions) {
    this.position = position
    this.ackWaitMs = ackWaitMs
    this.isAcknowledged = mode !== 'unacknowledged'
    this.members = []
    this.turn = 0
    this.cursor = startOf(start, position)
    this.open = new Map()
    this.due = new RingBuffer()
    this.scheduled = false
    this.owner = undefined
    this.isExclusive = mode === 'exclusive'
  }

  /** Attaches a member, and tells it once it is its turn. */
  attach(mode: ConsumerOptions['mode'], onAttached: (consumer: LogConsumer) => void): () => void {
    this.isExclusive = mode === 'exclusive'
    const member = new Member(this, this.cursor + 1, onAttached)
    this.members.push(member)
    this.admit()
    return () => {
      this.members.splice(this.members.indexOf(member), 1)
      member.credit = 0
      this.passOn()
    }
  }

  /** Something may be there to be delivered. */
  wake(): void {
    if (this.scheduled || !this.members.some(member => member.credit > 0)) return
    this.scheduled = true
    this.position.runtime.macrotask(() => {
      this.scheduled = false
      this.drain()
    })
  }

  /** Settles a delivery; one that was acknowledged already, or is somebody else's alone now, is left alone. */
  settle(sequence: number, member: Member, settle: (open: Open) => void): void {
    const open = this.open.get(sequence)
    if (open === undefined || (this.isExclusive && open.holder !== member)) return
    settle(open)
    this.passOn()
  }

  /** It is done. */
  acknowledge(sequence: number, open: Open): void {
    open.timer?.unsubscribe()
    this.open.delete(sequence)
  }

  /** It comes again after `delayMs`. */
  again(sequence: number, open: Open, delayMs: number): void {
    open.timer?.unsubscribe()
    open.timer = undefined
    const isDue = (): void => {
      open.timer = undefined
      open.holder = undefined
      this.due.push(sequence)
      this.passOn()
      this.wake()
    }
    if (delayMs === 0) isDue()
    else open.timer = this.position.runtime.scheduler.schedule(isDue, delayMs)
  }

  /** The time until it comes again begins anew. */
  extend(sequence: number, open: Open): void {
    if (open.timer !== undefined) this.again(sequence, open, this.ackWaitMs)
  }

  /** Lets in whose turn it is. */
  private admit(): void {
    if (!this.isExclusive) {
      for (const member of this.members) member.attached()
      return
    }
    if (this.owner !== undefined) return
    this.owner = this.members[0]
    if (this.owner === undefined) return
    // Whoever had it is gone: what it did not acknowledge comes first, in order.
    while (this.due.shift() !== undefined);
    for (const sequence of [...this.open.keys()].toSorted((left, right) => left - right)) {
      this.open.get(sequence)?.timer?.unsubscribe()
      this.due.push(sequence)
    }
    this.owner.attached()
  }

  /** Lets the next one in when the last has left, and nothing of what it had is in its hands any more. */
  private passOn(): void {
    const { owner } = this
    if (owner === undefined || this.members.includes(owner)) return
    for (const { holder } of this.open.values()) if (holder === owner) return
    this.owner = undefined
    this.admit()
  }

  private drain(): void {
    for (let given = 0; given < TURN; given++) {
      const index = this.nextMember()
      const member = this.members[index]
      const record = member && this.nextRecord()
      if (member === undefined || record === undefined) return
      this.turn = index
      member.credit--
      member.deliveries.next(this.deliveryOf(record, member))
    }
    this.wake()
  }

  /** Index of the next in turn that has room; -1 when none has. */
  private nextMember(): number {
    const { length } = this.members
    for (let tried = 1; tried <= length; tried++) {
      const index = (this.turn + tried) % length
      if ((this.members[index]?.credit ?? 0) > 0) return index
    }
    return -1
  }

  private nextRecord(): StoredRecord | undefined {
    const { records, matches, last } = this.position
    for (let sequence = this.due.shift(); sequence !== undefined; sequence = this.due.shift()) {
      const record = records.get(sequence)
      if (record !== undefined && this.open.has(sequence)) return record
      this.open.delete(sequence) // taken out of the log meanwhile
    }
    while (this.cursor < last()) {
      const record = records.get(++this.cursor)
      if (record !== undefined && matches(record.topic)) return record
    }
    return undefined
  }

  private deliveryOf(record: StoredRecord, member: Member): LogDelivery {
    const { sequence } = record
    let attempt = 1
    if (this.isAcknowledged) {
      const open: Open = this.open.get(sequence) ?? { attempt: 0, holder: undefined, timer: undefined }
      attempt = ++open.attempt
      open.holder = member
      this.open.set(sequence, open)
      this.again(sequence, open, this.ackWaitMs)
    }
    return {
      ...record,
      attempt,
      ack: () => this.settle(sequence, member, open => this.acknowledge(sequence, open)),
      nak: delayMs =>
        this.settle(sequence, member, open => {
          open.holder = undefined
          this.again(sequence, open, delayMs)
        }),
      working: () => this.settle(sequence, member, open => this.extend(sequence, open)),
    }
  }
}

class Member implements LogConsumer {
  readonly next: number
  credit: number
  readonly deliveries: Subject<LogDelivery>
  readonly deliveries$: Observable<LogDelivery>
  private readonly consumer: MemoryConsumer
  private onAttached: ((consumer: LogConsumer) => void) | undefined

  constructor(consumer: MemoryConsumer, next: number, onAttached: (consumer: LogConsumer) => void) {
    this.next = next
    this.credit = 0
    this.deliveries = new Subject()
    this.deliveries$ = this.deliveries.asObservable()
    this.consumer = consumer
    this.onAttached = onAttached
  }

  /** It is this member's turn. */
  attached(): void {
    this.onAttached?.(this)
    this.onAttached = undefined
  }

  request(count: number): void {
    this.credit += count
    this.consumer.wake()
  }
}

/** The sequence before the first that a new consumer gets. */
function startOf(start: StartPosition, { records, matches, last }: Position): number {
  if (start.kind === 'new') return last()
  if (start.kind === 'all') return 0
  if (start.kind === 'sequence') return start.sequence - 1 > last() ? 0 : start.sequence - 1
  const meant = [...records.values()].filter(({ topic }) => matches(topic))
  const first = start.kind === 'last' ? meant.at(-start.count) : meant.find(({ appendedAt }) => appendedAt >= start.ms)
  if (first !== undefined) return first.sequence - 1
  return start.kind === 'last' ? 0 : last()
}
