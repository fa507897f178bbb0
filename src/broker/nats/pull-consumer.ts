import { type Observable, Subject, type Subscription } from 'rxjs'
import { emptyHeader, RpcError, type Runtime } from '../../core/index.js'
import type { NatsMessage } from '../../transport/nats/index.js'
import type { LogConsumer, LogDelivery } from '../durable/message-log.js'
import { type AckSubject, readAckSubject } from './ack-subject.js'
import { question } from './jetstream-answer.js'
import type { JetStreamLink } from './jetstream-link.js'
import type { KeptSession } from './kept-session.js'
import { nanoseconds } from './stream-settings.js'

/** How long the server keeps a question for messages, ms, and how often it says that it still has it. */
const EXPIRES_MS = 30_000
const HEARTBEAT_MS = 5000
/** Signs of life that may be missed. */
const MISSED = 2

const encoder = new TextEncoder()
const ACK = encoder.encode('+ACK')
const WORKING = encoder.encode('+WPI')
const NOTHING = new Uint8Array()

/** Status of a message that the server made itself. */
const HEARTBEAT = 100
const NO_MESSAGES = 404
const EXPIRED = 408

/** What a consumer of JetStream is attached by. */
export interface PullOptions {
  /** Name of the stream. */
  readonly stream: string
  /** Name of the consumer. */
  readonly consumer: string
  /** {@link LogConsumer.next}. */
  readonly next: number
  /** Whether it is of no use to anybody else. */
  readonly isOwn: boolean
  /** Whether every delivery is to follow the one before, as nothing is acknowledged. */
  readonly isGapless: boolean
  /** What acknowledgements go by: the link of then, not that of the delivery. */
  readonly session: KeptSession
  /** Time. */
  readonly runtime: Runtime
}

/** A delivery, and what the server says of the consumer with it. */
export interface PulledDelivery extends LogDelivery {
  /** How many messages wait for the consumer behind this one. */
  readonly pending: number
}

/**
 * One attachment to a pull consumer: asks for as many messages as its user does, and asks again for those that did not
 * come in time. Fails with UNAVAILABLE when the server is silent although it owes a sign of life, or the consumer is gone.
 */
export class PullConsumer implements LogConsumer {
  readonly next: number
  readonly deliveries$: Observable<PulledDelivery>
  private readonly deliveries: Subject<PulledDelivery>
  private readonly link: JetStreamLink
  private readonly options: PullOptions
  private readonly inbox: string
  private readonly pullSubject: string
  private unsubscribe: () => void
  /** Messages that were asked for and have not come. */
  private owed: number
  /** Those of them that the server is to be asked for at the end of this turn. */
  private unasked: number
  private hasAsked: boolean
  private heardAt: number
  private watch: Subscription | undefined
  private lastDelivery: number
  private left: boolean
  /** Deliveries that are not settled. */
  private inHand: number
  private onSettled: (() => void) | undefined
  /** What is to be sent back when the server has sorted out what it was asked; `undefined` when it goes back at once. */
  private returned: (readonly [reply: string, delayMs: number])[] | undefined

  constructor(link: JetStreamLink, options: PullOptions) {
    this.next = options.next
    this.deliveries = new Subject()
    this.deliveries$ = this.deliveries.asObservable()
    this.link = link
    this.options = options
    this.inbox = link.link.inbox()
    this.pullSubject = `$JS.API.CONSUMER.MSG.NEXT.${options.stream}.${options.consumer}`
    this.unsubscribe = () => {}
    this.owed = 0
    this.unasked = 0
    this.hasAsked = false
    this.heardAt = 0
    this.watch = undefined
    this.lastDelivery = 0
    this.left = false
    this.inHand = 0
    this.onSettled = undefined
    this.returned = undefined
  }

  /** Begins to listen. */
  attach(): void {
    this.unsubscribe = this.link.link.subscribe(this.inbox, message => this.received(message), {
      drain: true,
      onRefused: error => this.fail(error),
    })
  }

  /**
   * Takes no more: what comes nevertheless goes back. Calls `onSettled` when nothing is in hand any more. A consumer of its
   * own is taken away.
   *
   * Servers before 2.10 lose track of a message that comes back while questions are open whose asker is gone. They sort
   * those out when they are asked about the consumer: what goes back waits for the answer.
   */
  detach(onSettled: () => void): void {
    const { stream, consumer, session } = this.options
    this.left = true
    this.watch?.unsubscribe()
    this.unsubscribe()
    if (this.options.isOwn) {
      this.link.tell(`$JS.API.CONSUMER.DELETE.${stream}.${consumer}`, NOTHING)
      return
    }
    this.onSettled = () => {
      this.onSettled = undefined
      onSettled()
    }
    const subject = `$JS.API.CONSUMER.INFO.${stream}.${consumer}`
    const sorted = (): void => {
      for (const [reply, delayMs] of this.returned ?? []) session.current?.tell(reply, nak(delayMs))
      this.returned = undefined
      session.release()
      this.checkSettled()
    }
    this.returned = []
    session.keep()
    this.link
      .request({ subject, payload: question({}), read: () => undefined })
      .subscribe({ error: sorted, complete: sorted })
  }

  /** Sends a delivery back. */
  giveBack(reply: string, delayMs: number): void {
    if (this.returned !== undefined) this.returned.push([reply, delayMs])
    else this.options.session.current?.tell(reply, nak(delayMs))
  }

  /** A delivery was settled, for the first time. */
  settled(): void {
    this.inHand--
    this.checkSettled()
  }

  private checkSettled(): void {
    if (this.inHand === 0 && this.returned === undefined) this.onSettled?.()
  }

  request(count: number): void {
    this.owed += count
    this.ask(count)
    if (this.watch !== undefined) return
    this.heardAt = this.options.runtime.scheduler.now()
    this.watch = this.watchLater()
  }

  private ask(count: number): void {
    const { runtime } = this.options
    if (this.unasked === 0) runtime.microtask(() => this.pull())
    this.unasked += count
  }

  private pull(): void {
    const batch = this.unasked
    this.unasked = 0
    if (this.left || batch === 0) return
    const pull = { batch, expires: nanoseconds(EXPIRES_MS), idle_heartbeat: nanoseconds(HEARTBEAT_MS) }
    try {
      this.link.link.publish(this.pullSubject, question(pull), { reply: this.inbox })
      if (this.hasAsked) return
      this.hasAsked = true
      // A server that does not permit it tells nobody who does not ask.
      this.link.link.confirm(error => error && this.fail(error), this.pullSubject)
    } catch (error) {
      this.fail(RpcError.from(error))
    }
  }

  private received(message: NatsMessage): void {
    this.heardAt = this.options.runtime.scheduler.now()
    const at = message.reply ? readAckSubject(message.reply) : undefined
    if (at === undefined) this.told(message)
    else if (this.left) this.giveBack(message.reply ?? '', 0)
    else this.delivered(message, at)
  }

  private delivered(message: NatsMessage, at: AckSubject): void {
    this.owed--
    if (this.options.isGapless && at.delivery !== this.lastDelivery + 1) {
      this.fail(lost(`a gap behind delivery ${this.lastDelivery}: ${at.delivery} came`))
      return
    }
    this.lastDelivery = at.delivery
    if (!this.options.isGapless) this.inHand++
    this.deliveries.next(new JetStreamDelivery(message, at, this, this.options))
  }

  /** The server says something of what it was asked. */
  private told({ headers }: NatsMessage): void {
    const code = headers?.code ?? 0
    if (code === HEARTBEAT || headers === undefined) return
    const { description } = headers
    if (code === EXPIRED || code === NO_MESSAGES) {
      // Those that it owed of this question are asked for again.
      const pending = Number(headers.get('Nats-Pending-Messages')) || Math.max(0, this.owed - this.unasked)
      if (!this.left && pending > 0) this.ask(Math.min(pending, this.owed - this.unasked))
      return
    }
    this.fail(lost(`the server says ${code} ${description}`))
  }

  /** Fails when nothing is heard for too long while something is owed. */
  private watchLater(): Subscription {
    const { scheduler } = this.options.runtime
    return scheduler.schedule(() => {
      this.watch = undefined
      const silentMs = scheduler.now() - this.heardAt
      if (this.owed === 0) return
      if (silentMs >= MISSED * HEARTBEAT_MS) this.fail(lost(`nothing heard for ${Math.round(silentMs)} ms`))
      else this.watch = this.watchLater()
    }, HEARTBEAT_MS)
  }

  private fail(error: RpcError): void {
    if (!this.left) this.deliveries.error(error)
  }
}

class JetStreamDelivery implements PulledDelivery {
  readonly topic: string
  readonly id: string
  readonly header: LogDelivery['header']
  readonly payload: Uint8Array
  readonly sequence: number
  readonly appendedAt: number
  readonly attempt: number
  readonly pending: number
  private readonly reply: string
  private readonly consumer: PullConsumer
  private isSettled: boolean
  private readonly session: KeptSession

  constructor(
    { subject, headers, data, reply = '' }: NatsMessage,
    at: AckSubject,
    consumer: PullConsumer,
    { stream, session }: PullOptions,
  ) {
    const header = headers?.lowerCased() ?? emptyHeader
    this.topic = subject
    this.id = header['nats-msg-id'] ?? `${stream}-${at.sequence}`
    this.header = header
    this.payload = data
    this.sequence = at.sequence
    this.appendedAt = at.appendedAt
    this.attempt = at.attempt
    this.pending = at.pending
    this.reply = reply
    this.consumer = consumer
    this.isSettled = false
    this.session = session
  }

  ack(): void {
    this.session.current?.tell(this.reply, ACK)
    this.settle()
  }

  nak(delayMs: number): void {
    this.consumer.giveBack(this.reply, delayMs)
    this.settle()
  }

  working(): void {
    this.session.current?.tell(this.reply, WORKING)
  }

  private settle(): void {
    if (this.isSettled) return
    this.isSettled = true
    this.consumer.settled()
  }
}

function nak(delayMs: number): Uint8Array {
  return encoder.encode(delayMs === 0 ? '-NAK' : `-NAK {"delay":${nanoseconds(delayMs)}}`)
}

function lost(why: string): RpcError {
  return new RpcError('UNAVAILABLE', `JetStream: ${why}`, { reason: 'broker_unavailable' })
}
