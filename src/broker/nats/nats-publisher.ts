import { type Subscriber, type Subscription, take, type Unsubscribable } from 'rxjs'
import { RingBuffer, RpcError, retrySafely, type Runtime } from '../../core/index.js'
import type { NatsConnection, NatsLink, NatsPublishOptions } from '../../transport/nats/index.js'
import type { Receipt } from '../broker.js'
import type { Enveloped } from '../envelope.js'
import { natsHeadersOf } from './nats-header.js'

/** Most messages that the server has not confirmed. */
const MAX_UNCONFIRMED = 65_536

/** What a publisher needs of the broker's options. */
export interface NatsPublisherOptions {
  /** Time and turns. */
  readonly runtime: Runtime
  /** Most messages that wait for a connection. */
  readonly maxWaitingPublishes: number
  /** How long a message may be under way, ms. */
  readonly publishTimeoutMs: number
}

/**
 * Sends messages over the link there is, and keeps those for which there is none: the client library would take them, and
 * lose them with its next attempt to connect.
 */
export class NatsPublisher {
  private readonly connection: NatsConnection
  private readonly options: NatsPublisherOptions
  /** Keeps the connection while something is under way. */
  private lifeline: Subscription | undefined
  private link: NatsLink | undefined
  /** What is under way, the oldest first, and what was not long ago. */
  private readonly sequence: RingBuffer<Publishing>
  private readonly waiting: RingBuffer<Publishing>
  private waitingNow: number
  private underWay: number
  /** When the oldest has been under way for too long. */
  private timer: Subscription | undefined

  constructor(connection: NatsConnection, options: NatsPublisherOptions) {
    this.connection = connection
    this.options = options
    this.lifeline = undefined
    this.link = undefined
    this.sequence = new RingBuffer()
    this.waiting = new RingBuffer()
    this.waitingNow = 0
    this.underWay = 0
    this.timer = undefined
  }

  /**
   * Publishes, or waits until it can; the subscriber hears what comes of it. What waits is called off by what is returned:
   * what has been sent cannot be.
   */
  publish(subscriber: Subscriber<Receipt>, receipt: Receipt, enveloped: Enveloped): Unsubscribable | undefined {
    const { runtime, publishTimeoutMs } = this.options
    const deadline = runtime.scheduler.now() + publishTimeoutMs
    const publishing = new Publishing(this, { subscriber, receipt, enveloped, deadline })
    this.underWay++
    this.sequence.push(publishing)
    this.lifeline ??= this.connection.link$.subscribe({
      next: link => this.linked(link),
      error: error => this.failed(RpcError.from(error)),
    })
    this.send(publishing)
    this.timer ??= this.expireLater()
    return publishing.isWaiting ? publishing : undefined
  }

  /** Hears that one is under way no more. */
  settled(state: 'new' | 'waiting' | 'sent'): void {
    if (state === 'waiting') this.waitingNow--
    this.underWay--
    while (this.sequence.peek()?.isSettled === true) this.sequence.shift()
    if (this.underWay > 0) return
    while (this.waiting.shift() !== undefined);
    this.timer?.unsubscribe()
    this.timer = undefined
    this.lifeline?.unsubscribe()
    this.lifeline = undefined
    this.link = undefined
  }

  private linked(link: NatsLink | undefined): void {
    this.link = link
    while (this.link !== undefined) {
      const publishing = this.waiting.shift()
      if (publishing === undefined) return
      if (publishing.isSettled) continue
      this.waitingNow--
      publishing.leaves()
      this.send(publishing)
    }
  }

  /** There will be no link: all that waits fails, and whoever comes later tries anew. */
  private failed(error: RpcError): void {
    this.lifeline = undefined
    this.link = undefined
    for (let publishing = this.waiting.shift(); publishing !== undefined; publishing = this.waiting.shift()) {
      publishing.fail(error)
    }
  }

  private send(publishing: Publishing): void {
    const { link } = this
    if (link === undefined) {
      this.wait(publishing)
      return
    }
    if (this.underWay - this.waitingNow > MAX_UNCONFIRMED) {
      publishing.fail(queueFull(publishing.topic, `${MAX_UNCONFIRMED} messages are not confirmed`))
      return
    }
    try {
      link.publish(publishing.topic, publishing.payload, publishing.publishOptions)
    } catch (error) {
      const failure = RpcError.from(error)
      if (failure.reason !== 'connection_lost') publishing.fail(failure)
      else this.wait(publishing) // it has not left
      return
    }
    publishing.sent(link)
  }

  private wait(publishing: Publishing): void {
    const { maxWaitingPublishes: most } = this.options
    this.waitingNow++
    publishing.waits()
    if (most === 0) publishing.fail(this.notConnected(publishing.topic))
    else if (this.waitingNow > most) {
      publishing.fail(queueFull(publishing.topic, `${most} messages wait for a connection`, this.problem()))
    } else if (!publishing.isSettled) this.waiting.push(publishing)
  }

  private expireLater(): Subscription | undefined {
    const oldest = this.sequence.peek()
    if (oldest === undefined) return undefined
    const { scheduler } = this.options.runtime
    return scheduler.schedule(() => this.expire(), Math.max(0, oldest.deadline - scheduler.now()))
  }

  private expire(): void {
    const { runtime, publishTimeoutMs } = this.options
    const now = runtime.scheduler.now()
    for (let oldest = this.sequence.peek(); oldest !== undefined; oldest = this.sequence.peek()) {
      if (oldest.isSettled) this.sequence.shift()
      else if (oldest.deadline > now) break
      else if (oldest.isSent) oldest.fail(notConfirmed(oldest.topic, publishTimeoutMs))
      else oldest.fail(this.notConnected(oldest.topic))
    }
    this.timer = this.expireLater()
  }

  private notConnected(topic: string): RpcError {
    return new RpcError('UNAVAILABLE', `publish to ${topic}: there is no connection to a nats-server`, {
      reason: 'not_connected',
      retry: retrySafely,
      cause: this.problem(),
    })
  }

  /** Why there is no link, as far as that is known. */
  private problem(): RpcError | undefined {
    let problem: RpcError | undefined
    this.connection.status$.pipe(take(1)).subscribe(status => {
      if (status.state === 'connecting') problem = status.error
    })
    return problem
  }
}

/** What a message under way is made of. */
interface Publication {
  readonly subscriber: Subscriber<Receipt>
  readonly receipt: Receipt
  readonly enveloped: Enveloped
  readonly deadline: number
}

/** A message under way. */
class Publishing implements Unsubscribable {
  readonly topic: string
  readonly deadline: number
  private readonly owner: NatsPublisher
  private readonly subscriber: Subscriber<Receipt>
  private readonly receipt: Receipt
  private readonly enveloped: Enveloped
  private state: 'new' | 'waiting' | 'sent' | 'settled'

  constructor(owner: NatsPublisher, { subscriber, receipt, enveloped, deadline }: Publication) {
    this.topic = receipt.topic
    this.deadline = deadline
    this.owner = owner
    this.subscriber = subscriber
    this.receipt = receipt
    this.enveloped = enveloped
    this.state = 'new'
  }

  get payload(): Uint8Array {
    return this.enveloped.payload
  }

  get publishOptions(): NatsPublishOptions | undefined {
    const headers = natsHeadersOf(this.enveloped.header)
    return headers && { headers }
  }

  get isWaiting(): boolean {
    return this.state === 'waiting'
  }

  get isSent(): boolean {
    return this.state === 'sent'
  }

  get isSettled(): boolean {
    return this.state === 'settled'
  }

  waits(): void {
    this.state = 'waiting'
  }

  leaves(): void {
    this.state = 'new'
  }

  sent(link: NatsLink): void {
    this.state = 'sent'
    link.confirm(error => (error === undefined ? this.confirmed() : this.fail(error)), this.topic)
  }

  fail(error: RpcError): void {
    const { state, subscriber } = this
    if (state === 'settled') return
    this.state = 'settled'
    subscriber.error(error)
    this.owner.settled(state)
  }

  unsubscribe(): void {
    const { state } = this
    if (state === 'settled') return
    this.state = 'settled'
    this.owner.settled(state)
  }

  private confirmed(): void {
    const { state, subscriber, receipt } = this
    if (state === 'settled') return
    this.state = 'settled'
    subscriber.next(receipt)
    subscriber.complete()
    // Whoever publishes the next one by now keeps the connection.
    this.owner.settled(state)
  }
}

function queueFull(topic: string, why: string, cause?: RpcError): RpcError {
  return new RpcError('RESOURCE_EXHAUSTED', `publish to ${topic}: ${why}, more must not`, {
    reason: 'queue_full',
    retry: retrySafely,
    cause,
  })
}

function notConfirmed(topic: string, ms: number): RpcError {
  const message = `publish to ${topic}: the server has not confirmed it within ${ms} ms, and may have it all the same`
  return new RpcError('DEADLINE_EXCEEDED', message, { reason: 'not_confirmed' })
}
