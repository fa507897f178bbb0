import { Observable, type Subscriber, type Subscription } from 'rxjs'
import { RingBuffer, RpcError, type Runtime } from '../../core/index.js'
import type { NatsLink, NatsMessage, NatsPublishOptions } from '../../transport/nats/index.js'
import { noAnswer, noResponders, unreachable } from './jetstream-errors.js'

/** What is asked of a server. */
export interface JetStreamRequest<T> {
  /** Where the question goes. */
  readonly subject: string
  /** The question. */
  readonly payload: Uint8Array
  /** What goes with it. */
  readonly headers?: NatsPublishOptions['headers']
  /** Reads the answer; may throw an RpcError. */
  readonly read: (answer: NatsMessage) => T
}

/** How long it is asked, when no answer has come, whether the server permits the question, ms. */
const PERMISSION_MS = 500

/**
 * Questions and answers over one link. An answer is awaited for `timeoutMs`, and as long as the link lives. What the server
 * does not permit fails with PERMISSION_DENIED (reason `nats_permission_denied`), after the same time: it says so to nobody
 * who does not ask.
 */
export class JetStreamLink {
  /** The link itself. */
  readonly link: NatsLink
  private readonly timeoutMs: number
  private readonly runtime: Runtime
  private readonly inbox: string
  private readonly unsubscribe: () => void
  private readonly loss: Subscription
  /** By token, the oldest first. */
  private readonly asked: Map<string, Asked<unknown>>
  /** The same, in the order of their deadlines, those that are answered among them. */
  private readonly deadlines: RingBuffer<Asked<unknown>>
  private timer: Subscription | undefined
  private next: number
  /** Why no answer can come, whatever is asked. */
  private refusal: RpcError | undefined

  constructor(link: NatsLink, timeoutMs: number, runtime: Runtime) {
    this.link = link
    this.timeoutMs = timeoutMs
    this.runtime = runtime
    this.inbox = link.inbox()
    this.asked = new Map()
    this.deadlines = new RingBuffer()
    this.timer = undefined
    this.next = 0
    this.refusal = undefined
    this.unsubscribe = link.subscribe(`${this.inbox}.*`, answer => this.answered(answer), {
      onRefused: error => {
        this.refusal = error
        this.fail(error)
      },
    })
    this.loss = link.lost$.subscribe({ error: error => this.fail(unreachable(RpcError.from(error), false)) })
  }

  /** Asks, and emits what `read` makes of the answer. */
  request<T>(request: JetStreamRequest<T>): Observable<T> {
    return new Observable(subscriber => this.ask(request, subscriber))
  }

  /** Sends without waiting for anything; lost when the link is. */
  tell(subject: string, payload: Uint8Array): void {
    try {
      this.link.publish(subject, payload)
    } catch {
      // The link has ended: what was to be told comes up again over the next one.
    }
  }

  /** Gives up everything that is not answered. */
  close(): void {
    this.loss.unsubscribe()
    this.unsubscribe()
    this.fail(unreachable(undefined, false))
  }

  private ask<T>(request: JetStreamRequest<T>, subscriber: Subscriber<T>): () => void {
    const { subject, payload, headers } = request
    if (this.refusal !== undefined) throw this.refusal
    const token = (this.next++).toString(36)
    const asked: Asked<T> = { token, request, subscriber, deadline: this.runtime.scheduler.now() + this.timeoutMs }
    try {
      this.link.publish(subject, payload, { reply: `${this.inbox}.${token}`, ...(headers && { headers }) })
    } catch (thrown) {
      const error = RpcError.from(thrown)
      throw error.reason === 'connection_lost' ? unreachable(error, true) : error
    }
    this.asked.set(token, asked)
    this.deadlines.push(asked)
    this.timer ??= this.expireLater()
    return () => this.settled(asked.token)
  }

  private answered(answer: NatsMessage): void {
    const asked = this.settled(answer.subject.slice(this.inbox.length + 1))
    if (asked === undefined) return
    const { request, subscriber } = asked
    let read: unknown
    try {
      if (answer.data.length === 0 && answer.headers?.code === 503) throw noResponders(request.subject, this.link)
      read = request.read(answer)
    } catch (thrown) {
      subscriber.error(thrown)
      return
    }
    subscriber.next(read)
    subscriber.complete()
  }

  private settled(token: string): Asked<unknown> | undefined {
    const asked = this.asked.get(token)
    this.asked.delete(token)
    while (this.deadlines.length > 0 && !this.asked.has(this.deadlines.peek()?.token ?? '')) this.deadlines.shift()
    if (this.asked.size === 0) {
      this.timer?.unsubscribe()
      this.timer = undefined
    }
    return asked
  }

  private expireLater(): Subscription | undefined {
    const oldest = this.deadlines.peek()
    if (oldest === undefined) return undefined
    const { scheduler } = this.runtime
    return scheduler.schedule(() => this.expire(), Math.max(0, oldest.deadline - scheduler.now()))
  }

  private expire(): void {
    const now = this.runtime.scheduler.now()
    this.timer = undefined
    for (
      let oldest = this.deadlines.peek();
      oldest !== undefined && oldest.deadline <= now;
      oldest = this.deadlines.peek()
    ) {
      this.settled(oldest.token)
      this.unanswered(oldest)
    }
    this.timer ??= this.expireLater()
  }

  private unanswered({ request: { subject }, subscriber }: Asked<unknown>): void {
    const silence = noAnswer(subject, this.link, this.timeoutMs)
    const fallback = this.runtime.scheduler.schedule(() => subscriber.error(silence), PERMISSION_MS)
    subscriber.add(fallback)
    this.link.confirm(error => subscriber.error(error?.code === 'PERMISSION_DENIED' ? error : silence), subject)
  }

  private fail(error: RpcError): void {
    for (const { token, subscriber } of [...this.asked.values()]) {
      this.settled(token)
      subscriber.error(error)
    }
  }
}

interface Asked<T> {
  readonly token: string
  readonly request: JetStreamRequest<T>
  readonly subscriber: Subscriber<T>
  readonly deadline: number
}
