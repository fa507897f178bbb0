import { type Subscriber, Subscription } from 'rxjs'
import { emptyHeader, type Header, type Message, RingBuffer, RpcError, type Runtime } from '../../core/index.js'
import { acknowledged, deliver, type OverflowPolicy } from '../../streams/index.js'
import type { NatsConnection, NatsLink, NatsMessage } from '../../transport/nats/index.js'
import { checkDelay, checkManual } from '../acknowledgement.js'
import type { Event } from '../broker.js'
import type { Envelope } from '../envelope.js'
import { unprocessable } from '../unprocessable.js'
import { queueName } from './queue-name.js'

/** Deliveries in one turn, so that a busy topic leaves room for I/O. */
const TURN = 256

/** A message as it came from the server. */
export interface Arrived {
  /** Where it was published. */
  readonly topic: string
  /** What NATS carries beside the payload. */
  readonly header: Header
  /** The rest. */
  readonly payload: Uint8Array
  /** When it came, ms since 1970. */
  readonly at: number
  /** How often it has come back from the dead letters. */
  readonly replays: number
}

/** What is read of a message. */
interface ReadMessage {
  /** Its id. */
  readonly id: string
  /** What was published, or its bytes when they cannot be read. */
  readonly message: Message
  /** The key that it was published with. */
  readonly key: string | undefined
  /** When it was published, ms since 1970. */
  readonly publishedAt: number
}

/** A message that was given up. */
export interface GivenUp extends ReadMessage {
  /** As it came. */
  readonly arrived: Arrived
  /** Why. */
  readonly error: RpcError
}

/** Who listens to what, and how. */
export interface NatsMemberOptions {
  /** Where the events go. */
  readonly subscriber: Subscriber<Event>
  /** Topic, which may have wildcards. */
  readonly topic: string
  /** Name of the queue group. */
  readonly queue: string | undefined
  /** How events are acknowledged. */
  readonly ack: 'consumed' | 'manual' | 'none'
  /** Most messages given and not acknowledged. */
  readonly window: number
  /** What is lost when more wait than may. */
  readonly overflow: OverflowPolicy
  /** Most messages that wait. */
  readonly maxPending: number
  /** Most bytes of those. */
  readonly maxPendingBytes: number
  /** Reads what arrives. */
  readonly envelope: Envelope
  /** Turns, time and ids. */
  readonly runtime: Runtime
  /** Takes what nobody is able to process. */
  readonly onGivenUp: (given: GivenUp) => void
}

/**
 * One subscriber of a topic. The server sends whatever is published, and drops who does not read: so everything is read
 * at once, and what is beyond the window waits here.
 */
export class NatsMember {
  private readonly options: NatsMemberOptions
  /** The topic of all messages, unless there are wildcards in it: to read it of each has its price. */
  private readonly onlyTopic: string | undefined
  private readonly waiting: RingBuffer<Arrived>
  private waitingBytes: number
  /** How many were given and are not acknowledged. */
  private inHand: number
  /** Those of them that only a call settles. */
  private readonly open: Set<NatsEvent>
  /** The event whose `next` runs. */
  private giving: NatsEvent | undefined
  private draining: boolean
  private left: boolean

  constructor(options: NatsMemberOptions) {
    this.options = options
    this.onlyTopic = /[*>]/.test(options.topic) ? undefined : options.topic
    this.waiting = new RingBuffer()
    this.waitingBytes = 0
    this.inHand = 0
    this.open = new Set()
    this.giving = undefined
    this.draining = false
    this.left = false
  }

  /** Joins at every link there is, until it is unsubscribed. */
  join(connection: NatsConnection): Subscription {
    const { subscriber, topic, queue } = this.options
    let leave: (() => void) | undefined
    const links = connection.link$.subscribe({
      next: link => {
        leave?.()
        leave = link && this.subscribe(link, topic, queue)
      },
      error: error => subscriber.error(error),
    })
    return new Subscription(() => {
      this.leave()
      leave?.()
      links.unsubscribe()
    })
  }

  /** Takes a message again that had been given up; says whether there is anybody to give it to. */
  again(arrived: Arrived): boolean {
    if (this.left) return false
    this.arrive({ ...arrived, replays: arrived.replays + 1 })
    return true
  }

  private subscribe(link: NatsLink, topic: string, queue: string | undefined): () => void {
    return link.subscribe(topic, message => this.receive(message), {
      ...(queue !== undefined && { queue: queueName(queue), drain: true }),
      onRefused: error => this.options.subscriber.error(error),
    })
  }

  private receive(message: NatsMessage): void {
    const topic = this.onlyTopic ?? message.subject
    const header = message.headers?.lowerCased() ?? emptyHeader
    const at = Math.trunc(this.options.runtime.scheduler.now())
    this.arrive({ topic, header, payload: message.data, at, replays: 0 })
  }

  private arrive(arrived: Arrived): void {
    if (this.left) this.giveUp(arrived, leftBehind())
    else if (this.waiting.length === 0 && this.inHand < this.options.window && !this.draining) this.give(arrived)
    else this.wait(arrived)
  }

  private wait(arrived: Arrived): void {
    const { overflow, maxPending, maxPendingBytes, subscriber, topic } = this.options
    const { length } = arrived.payload
    const full = (): boolean =>
      this.waiting.length >= maxPending || (this.waiting.length > 0 && this.waitingBytes + length > maxPendingBytes)
    if (overflow === 'latest') while (this.takeWaiting() !== undefined);
    else if (overflow === 'dropNewest' && full()) return
    else if (overflow === 'error' && full()) {
      const error = overflowed(topic, this.waiting.length, this.waitingBytes)
      subscriber.error(error)
      this.giveUp(arrived, error)
      return
    } else while (full()) this.takeWaiting()
    // Small as it may be, the whole packet that it came in would wait with it.
    this.waiting.push({ ...arrived, payload: new Uint8Array(arrived.payload) })
    this.waitingBytes += length
  }

  private takeWaiting(): Arrived | undefined {
    const arrived = this.waiting.shift()
    if (arrived !== undefined) this.waitingBytes -= arrived.payload.length
    return arrived
  }

  /** Gives what waits, as far as there is room, in turns. */
  private drain(): void {
    if (this.draining) return
    this.draining = true
    for (let given = 0; this.inHand < this.options.window && !this.left; given++) {
      if (given === TURN) {
        this.options.runtime.macrotask(() => {
          this.draining = false
          this.drain()
        })
        return
      }
      const arrived = this.takeWaiting()
      if (arrived === undefined) break
      this.give(arrived)
    }
    this.draining = false
  }

  private give(arrived: Arrived): void {
    const { envelope, ack, subscriber, runtime } = this.options
    let message: Message
    try {
      message = envelope.read(arrived)
    } catch (error) {
      this.giveUp(arrived, RpcError.from(error))
      return
    }
    const { id = runtime.id(), key, publishedAt = arrived.at } = envelope.facts(arrived)
    const event = new NatsEvent(this, arrived, { id, message, key, publishedAt })
    this.inHand++
    if (ack === 'manual') this.open.add(event)
    this.giving = event
    // Manual events are deliveries too: who forwards them holds them, instead of running over.
    const onConsumed = (error?: unknown): void => {
      if (ack !== 'manual') this.settle(event, error)
    }
    deliver(subscriber, event, ack === 'consumed' ? acknowledged(onConsumed) : onConsumed)
    this.giving = undefined
  }

  /** Settles an event by hand. */
  settleManually(event: NatsEvent, method: 'ack' | 'nak' | 'reject', error?: unknown): void {
    checkManual(this.options.ack === 'manual', method)
    this.settle(event, error)
  }

  private settle(event: NatsEvent, error: unknown): void {
    if (event.settled) return
    event.settled = true
    this.open.delete(event)
    this.inHand--
    if (error !== undefined && this.options.ack !== 'none') this.giveUpEvent(event, error)
    this.drain()
  }

  /** Ends it. What it holds by consumption may be finished; the rest of a queue group's messages is given up. */
  private leave(): void {
    this.left = true
    const { giving } = this
    for (const event of this.open) this.settle(event, leftBehind())
    if (giving !== undefined) this.settle(giving, leftBehind())
    for (let arrived = this.takeWaiting(); arrived !== undefined; arrived = this.takeWaiting()) {
      this.giveUp(arrived, leftBehind())
    }
  }

  private giveUp(arrived: Arrived, error: RpcError): void {
    const { envelope, runtime } = this.options
    const { id = runtime.id(), key, publishedAt = arrived.at } = envelope.facts(arrived)
    // It is kept longer than the packet that it came in.
    const kept = { ...arrived, payload: new Uint8Array(arrived.payload) }
    const message = { header: kept.header, body: kept.payload }
    this.tell({ id, message, key, publishedAt, arrived: kept, error })
  }

  private giveUpEvent({ id, message, key, publishedAt, arrived }: NatsEvent, cause: unknown): void {
    const kept = { ...arrived, payload: new Uint8Array(arrived.payload) }
    this.tell({ id, message, key, publishedAt, arrived: kept, error: RpcError.from(cause) })
  }

  private tell(given: GivenUp): void {
    // Who subscribed by itself and has left does not want it any more.
    if (!this.left || this.options.queue !== undefined) this.options.onGivenUp(given)
  }
}

class NatsEvent implements Event {
  readonly id: string
  readonly topic: string
  readonly message: Message
  readonly attempt: number
  readonly publishedAt: number
  readonly key: string | undefined
  /** As it came. */
  readonly arrived: Arrived
  /** Whether it is known what has become of it. */
  settled: boolean
  private readonly member: NatsMember

  constructor(member: NatsMember, arrived: Arrived, read: ReadMessage) {
    this.id = read.id
    this.topic = arrived.topic
    this.message = read.message
    this.attempt = 1
    this.publishedAt = read.publishedAt
    this.key = read.key
    this.arrived = arrived
    this.settled = false
    this.member = member
  }

  ack(): void {
    this.member.settleManually(this, 'ack')
  }

  nak(delayMs?: number): void {
    checkDelay(delayMs)
    this.member.settleManually(this, 'nak', notAgain())
  }

  reject(error?: unknown): void {
    this.member.settleManually(this, 'reject', error ?? unprocessable('its subscriber has rejected it'))
  }
}

function notAgain(): RpcError {
  const message = 'its subscriber asked for it to come again, and core NATS delivers once; JetStream does more often'
  return new RpcError('FAILED_PRECONDITION', message, { reason: 'no_redelivery' })
}

function leftBehind(): RpcError {
  return new RpcError('CANCELLED', 'its subscriber has left before it was processed', { reason: 'unfinished' })
}

function overflowed(topic: string, messages: number, bytes: number): RpcError {
  const message =
    `subscription to ${topic}: ${messages} messages of ${bytes} bytes wait and core NATS cannot; ` +
    'say what to lose with overflow, or use a broker that can wait'
  return new RpcError('RESOURCE_EXHAUSTED', message, { reason: 'overflow', details: { messages, bytes } })
}
