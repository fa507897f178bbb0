import { defer, EMPTY, merge, retry, type Subscriber, Subscription, switchMap, throwError, type Observable } from 'rxjs'
import { type Message, RingBuffer, RpcError } from '../../core/index.js'
import { acknowledged, CreditWindow, deliver } from '../../streams/index.js'
import { notAcknowledged } from '../acknowledgement.js'
import type { Event, From } from '../broker.js'
import type { ResolvedSubscribe } from '../call-options.js'
import { KeyOrder } from '../key-order.js'
import { isUnprocessable } from '../unprocessable.js'
import type { DurableContext } from './durable-context.js'
import { DurableEvent, type OnSettled } from './durable-event.js'
import { keepLetter } from './keep-letter.js'
import { isFor, messageIdOf } from './letter-record.js'
import type { ConsumerOptions, LogConsumer, LogDelivery, StartPosition } from './message-log.js'
import { retryPause } from './retry-pause.js'

/** Largest window: more than that a log is never asked for. */
const MAX_WINDOW = 65_536
/** How often, within the time that a log waits for an acknowledgement, it hears of what is still worked on. */
const SIGNS_OF_LIFE = 3
/**
 * Messages that are remembered as acknowledged: those come again whose acknowledgement was lost, which are a few windows
 * when the way to the log fails, and all of the last moments when a server dies that writes them down now and then.
 */
const REMEMBERED = 16_384

/**
 * One subscription to a durable broker.
 *
 * A message is in hand from its arrival until it is settled: acknowledged, given back, or a dead letter. While it is, the
 * log hears signs of life of it, however long it takes; when it comes again nevertheless, because the way to the log was
 * lost, it stays the same message in the same hands, and is settled by its newest delivery.
 */
export class DurableSubscription {
  private readonly context: DurableContext
  private readonly topic: string
  private readonly options: ResolvedSubscribe
  private readonly subscriber: Subscriber<Event>
  private readonly window: number
  private readonly member: string
  private readonly onSettled: OnSettled
  /** By sequence, in the order of arrival. */
  private readonly inHand: Map<number, DurableEvent>
  /** Those of them that the subscriber has, or whoever holds them. */
  private readonly given: Set<DurableEvent>
  /** Those of them that become dead letters. */
  private readonly buried: Set<DurableEvent>
  private readonly order: KeyOrder<DurableEvent> | undefined
  /** What passes next, in this turn. */
  private readonly ready: RingBuffer<DurableEvent>
  /** Sequences that went back, and have not come again, where the log forgets them with the attachment. */
  private readonly returned: Set<number>
  /** Ids of what was acknowledged last, by sequence, the oldest first. */
  private readonly acknowledged: Map<number, string>
  private credit: CreditWindow
  private giving: DurableEvent | undefined
  /** Sequence from which a consumer that the log forgets begins again. */
  private next: number | undefined
  private left: boolean
  private readonly attachment: Subscription
  private readonly delays: Subscription
  private readonly open: Subscription
  private lifeSigns: Subscription | undefined

  constructor(topic: string, options: ResolvedSubscribe, context: DurableContext, subscriber: Subscriber<Event>) {
    this.context = context
    this.topic = topic
    this.options = options
    this.subscriber = subscriber
    this.window = Math.min(options.window, MAX_WINDOW)
    this.member = context.options.runtime.id()
    this.onSettled = options.ack === 'manual' ? (event, how) => this.settledByHand(event, how) : undefined
    this.inHand = new Map()
    this.given = new Set()
    this.buried = new Set()
    this.order = options.ordered ? new KeyOrder() : undefined
    this.ready = new RingBuffer()
    this.returned = new Set()
    this.acknowledged = new Map()
    this.credit = new CreditWindow(0, () => {})
    this.giving = undefined
    this.next = undefined
    this.left = false
    this.attachment = new Subscription()
    this.delays = new Subscription()
    this.open = new Subscription()
    this.lifeSigns = undefined
  }

  /** Attaches, and attaches again whenever the log is lost, until it is left. Called once. */
  start(): void {
    const { messages, dead, options } = this.context
    this.open.add(messages.open$.subscribe({ error: () => {} })) // who attaches hears of it too
    this.open.add(dead.open$.subscribe({ error: () => {} }))
    const again = (thrown: unknown, failures: number): Observable<unknown> =>
      RpcError.from(thrown).code === 'UNAVAILABLE' ? retryPause(failures, options.runtime) : throwError(() => thrown)
    this.attachment.add(
      defer(() => messages.consume(this.consumer()))
        .pipe(
          switchMap(consumer => this.attached(consumer)),
          retry({ delay: again, resetOnSuccess: true }),
        )
        .subscribe({
          next: delivery => this.arrived(delivery),
          error: error => this.subscriber.error(RpcError.from(error)),
        }),
    )
  }

  /** Takes no more. What is held may be finished; what nobody has got yet goes back at once. */
  leave(): void {
    this.left = true
    this.attachment.unsubscribe()
    this.delays.unsubscribe()
    const isManual = this.options.ack === 'manual'
    for (const event of this.inHand.values()) {
      const isHeld = this.given.has(event) && !isManual && event !== this.giving
      if (!isHeld && !this.buried.has(event)) this.giveBack(event, 0)
    }
    this.closeWhenDone()
  }

  private consumer(): ConsumerOptions {
    const { queue, ack, ordered, from } = this.options
    return {
      topic: this.topic,
      queue,
      member: this.member,
      // A consumer without a name is forgotten with its attachment: the next one goes on where we are.
      start: queue === undefined && this.next !== undefined ? this.resumption(this.next) : startOf(from),
      ackWaitMs: this.context.options.ackWaitMs,
      mode:
        queue === undefined && ack === 'none'
          ? 'unacknowledged'
          : queue !== undefined && ordered
            ? 'exclusive'
            : 'shared',
    }
  }

  private resumption(next: number): StartPosition {
    const sequence = [...this.inHand.keys(), ...this.returned].reduce((oldest, each) => Math.min(oldest, each), next)
    return { kind: 'sequence', sequence }
  }

  private attached(consumer: LogConsumer): Observable<LogDelivery> {
    this.next ??= consumer.next
    const room = Math.max(0, this.window - this.inHand.size)
    this.credit = new CreditWindow(this.window, count => {
      if (!this.left) consumer.request(count)
    })
    this.credit.outstanding = room
    const asked$ = defer(() => {
      if (room > 0) consumer.request(room)
      return EMPTY
    })
    return merge(consumer.deliveries$, asked$)
  }

  private arrived(delivery: LogDelivery): void {
    const { sequence } = delivery
    const held = this.inHand.get(sequence)
    const isKnown = held !== undefined || this.acknowledged.get(sequence) === delivery.id
    this.next = Math.max(this.next ?? 0, sequence + 1)
    if (!this.credit.receive()) delivery.nak(0)
    else if (held !== undefined) held.delivery = delivery
    else if (isKnown || !isFor(this.options.queue, delivery)) delivery.ack()
    else {
      this.taken(delivery)
      return
    }
    this.credit.consume()
  }

  private taken(delivery: LogDelivery): void {
    const { envelope, maxDeliver } = this.context.options
    const { header, payload, attempt } = delivery
    const enveloped = { header, payload }
    const id = messageIdOf(delivery)
    let message: Message
    let unreadable: RpcError | undefined
    try {
      message = envelope.read(enveloped)
    } catch (thrown) {
      unreadable = RpcError.from(thrown)
      message = { header, body: payload }
    }
    const event = new DurableEvent({ id, key: envelope.facts(enveloped).key, message }, delivery, this.onSettled)
    this.inHand.set(delivery.sequence, event)
    this.returned.delete(delivery.sequence)
    this.watch()
    if (this.options.ack === 'none') delivery.ack()
    if (unreadable !== undefined) this.bury(event, attempt, unreadable)
    else if (attempt > maxDeliver) this.bury(event, attempt - 1, notAcknowledged(attempt - 1))
    else if (this.order?.admit(event) !== false) this.pass(event)
  }

  /** Gives an event to the subscriber, after those that are being given. */
  private pass(event: DurableEvent): void {
    this.ready.push(event)
    if (this.giving !== undefined) return
    for (let next = this.ready.shift(); next !== undefined; next = this.ready.shift()) {
      if (this.left) this.giveBack(next, 0)
      else this.give(next)
    }
  }

  private give(event: DurableEvent): void {
    this.giving = event
    this.given.add(event)
    // Manual events are deliveries too: who forwards them holds them, instead of running over.
    const { ack } = this.options
    const onConsumed = (error?: unknown): void => {
      if (ack !== 'manual') this.consumed(event, error)
    }
    try {
      deliver(this.subscriber, event, ack === 'consumed' ? acknowledged(onConsumed) : onConsumed)
    } finally {
      this.giving = undefined
    }
  }

  private consumed(event: DurableEvent, error: unknown): void {
    if (!this.given.has(event)) return
    if (error === undefined || this.options.ack === 'none') this.acknowledge(event)
    else this.failed(event, error, undefined)
  }

  private settledByHand(event: DurableEvent, how: Parameters<NonNullable<OnSettled>>[1]): void {
    if (!this.given.has(event)) return
    if (how.kind === 'ack') this.acknowledge(event)
    else if (how.kind === 'nak') this.failed(event, undefined, how.delayMs)
    else this.bury(event, event.attempt, RpcError.from(how.error ?? rejected()))
  }

  private acknowledge(event: DurableEvent): void {
    event.delivery.ack()
    this.acknowledged.set(event.sequence, event.delivery.id)
    if (this.acknowledged.size > Math.max(REMEMBERED, this.window)) {
      const [oldest] = this.acknowledged.keys()
      if (oldest !== undefined) this.acknowledged.delete(oldest)
    }
    this.settled(event)
  }

  private failed(event: DurableEvent, error: unknown, delayMs: number | undefined): void {
    const { maxDeliver, backoffMs } = this.context.options
    if (isUnprocessable(error) || event.attempt >= maxDeliver) {
      this.bury(event, event.attempt, RpcError.from(error ?? notAcknowledged(event.attempt)))
      return
    }
    const wait = delayMs ?? backoffMs[Math.min(event.attempt, backoffMs.length) - 1] ?? 0
    if (this.order === undefined || this.left) this.giveBack(event, wait)
    else this.tryAgain(event, wait)
  }

  /** Keeps the event, and gives it once more: were it given back, later ones of its key would overtake it. */
  private tryAgain(event: DurableEvent, wait: number): void {
    this.given.delete(event)
    const next = event.again()
    this.inHand.set(event.sequence, next)
    const delay = this.context.options.runtime.scheduler.schedule(() => {
      this.delays.remove(delay)
      this.pass(next)
    }, wait)
    this.delays.add(delay)
  }

  /** Makes a dead letter of it, and acknowledges it only then. */
  private bury(event: DurableEvent, attempts: number, error: RpcError): void {
    const { log, backoffMs } = this.context.options
    const { queue } = this.options
    this.given.delete(event)
    this.buried.add(event)
    keepLetter(this.context, event.delivery, { queue, attempts, error }).subscribe({
      error: (thrown: unknown) => {
        const failure = RpcError.from(thrown)
        const { id, topic } = event
        const message = `message ${id} of ${topic} is to be a dead letter, and there is no way to keep it; it stays: ${failure.message}`
        log({ level: 'error', event: 'broker.dead_letter_failed', message, fields: { id, topic, error: failure } })
        this.buried.delete(event)
        if (this.left) this.giveBack(event, backoffMs.at(-1) ?? 0)
        else this.buryLater(event, attempts, error)
      },
      complete: () => {
        const { id, topic } = event
        const message = `message ${id} of ${topic} is a dead letter, deliveries to ${this.title}: ${attempts}, cause: ${error.message}`
        log({ level: 'warn', event: 'broker.dead_letter', message, fields: { id, topic, group: this.title, attempts } })
        this.buried.delete(event)
        this.acknowledge(event)
      },
    })
  }

  private buryLater(event: DurableEvent, attempts: number, error: RpcError): void {
    const { runtime, backoffMs } = this.context.options
    const delay = runtime.scheduler.schedule(() => {
      this.delays.remove(delay)
      this.bury(event, attempts, error)
    }, backoffMs.at(-1))
    this.delays.add(delay)
  }

  private giveBack(event: DurableEvent, delayMs: number): void {
    event.delivery.nak(delayMs)
    if (this.options.queue === undefined && !this.left) this.returned.add(event.sequence)
    this.settled(event)
  }

  /** It is in hand no more. */
  private settled(event: DurableEvent): void {
    this.inHand.delete(event.sequence)
    this.given.delete(event)
    const next = this.order?.done(event)
    if (this.left) {
      this.closeWhenDone()
      return
    }
    this.credit.consume()
    if (next !== undefined) this.pass(next)
  }

  private closeWhenDone(): void {
    if (this.inHand.size > 0) return
    this.open.unsubscribe()
    this.lifeSigns?.unsubscribe()
  }

  /** Sees to it that the log hears of what is in hand for long. */
  private watch(): void {
    if (this.lifeSigns !== undefined || this.options.ack === 'none') return
    const { runtime, ackWaitMs } = this.context.options
    this.lifeSigns = runtime.scheduler.schedule(() => {
      this.lifeSigns = undefined
      for (const event of this.inHand.values()) event.delivery.working()
      if (this.inHand.size > 0) this.watch()
    }, ackWaitMs / SIGNS_OF_LIFE)
  }

  private get title(): string {
    const { queue } = this.options
    return queue === undefined ? `a subscriber of ${this.topic}` : `queue ${queue} of ${this.topic}`
  }
}

function startOf(from: From): StartPosition {
  if (from === 'new' || from === 'all') return { kind: from }
  if ('last' in from) return { kind: 'last', count: from.last }
  return 'sequence' in from ? { kind: 'sequence', sequence: from.sequence } : { kind: 'time', ms: from.time }
}

function rejected(): RpcError {
  return new RpcError('ABORTED', 'it was rejected without a reason', { reason: 'rejected' })
}
