import { concat, NEVER, Observable, of } from 'rxjs'
import {
  consoleLog,
  fn,
  having,
  integer,
  limitedLog,
  type Log,
  MAX_TIMER_MS,
  type Message,
  number,
  optional,
  resolveOptions,
  RpcError,
  type Runtime,
  retrySafely,
  systemRuntime,
} from '../core/index.js'
import type { Broker, Event, PublishOptions, Receipt, SubscribeOptions } from './broker.js'
import type { BrokerStatus } from './broker-status.js'
import { type ResolvedPublish, resolvePublish, resolveSubscribe } from './call-options.js'
import { DeadLetterBox } from './dead-letter-box.js'
import type { DeadLetters } from './dead-letters.js'
import { MemoryGroup } from './memory-group.js'
import type { Queued } from './memory-member.js'
import { checkTopic, topicMatcher } from './topic.js'

/** Options of {@link memoryBroker}. */
export interface MemoryBrokerOptions {
  /** Time, chance, and the later turns in which messages are delivered. @default systemRuntime() */
  readonly runtime?: Runtime
  /** Hears of messages that are given up. @default consoleLog */
  readonly log?: Log
  /** Most messages that wait for one group, beside those at its members; then `publish` fails. @default 1024 */
  readonly maxPending?: number
  /** Most deliveries of one message to one group; after that it is a dead letter. @default 5 */
  readonly maxDeliver?: number
  /** Most dead letters that are kept; then the oldest goes, with a log event. @default 1024 */
  readonly maxDeadLetters?: number
  /** Time until a message that was released with an error comes again, ms; doubles with each attempt up to 30 s. @default 100 */
  readonly redeliverAfterMs?: number
  /** How long a queue group outlives its last member while it has messages, ms: the time for a `retry` to come back. @default 1000 */
  readonly keepGroupMs?: number
}

/**
 * A broker within one process: the value itself is what its users share.
 *
 * Messages are handed on as they are, not copied, in a later turn of the runtime, so it runs in virtual time as it does
 * in real time. Nothing is kept for those who have left: a plain subscriber's messages go with it, a queue group's
 * `keepGroupMs` after its last member, unless another one joins before.
 *
 * Beside the errors that every broker has, `publish` fails with RESOURCE_EXHAUSTED (reason `queue_full`, safe to retry)
 * when `maxPending` messages wait for a group that the topic reaches; no group has got the message then.
 * Messages that are given up are dead letters: after `maxDeliver` attempts, and (reason `no_members`) what waited for a
 * queue group whose last member has left. The broker keeps them, and logs `broker.dead_letter` for each.
 */
export function memoryBroker(options?: MemoryBrokerOptions): Broker {
  return new MemoryBroker(
    resolveOptions<Required<MemoryBrokerOptions>>(
      'memoryBroker',
      {
        runtime: optional(having<Runtime>('scheduler', 'macrotask'), systemRuntime()),
        log: optional(fn<Log>(), consoleLog),
        maxPending: optional(integer({ min: 1, max: Infinity }), 1024),
        maxDeliver: optional(integer({ min: 1, max: Infinity }), 5),
        maxDeadLetters: optional(integer({ min: 1, max: Infinity }), 1024),
        redeliverAfterMs: optional(number({ min: 0 }), 100),
        keepGroupMs: optional(number({ min: 0, max: MAX_TIMER_MS }), 1000),
      },
      options,
    ),
  )
}

class MemoryBroker implements Broker {
  readonly name = 'memory'
  readonly status$: Observable<BrokerStatus>
  readonly deadLetters: DeadLetters
  private readonly options: Required<MemoryBrokerOptions>
  private readonly groups: Set<MemoryGroup>
  private readonly dead: DeadLetterBox
  private readonly log: Log

  constructor(options: Required<MemoryBrokerOptions>) {
    this.status$ = concat(of({ state: 'connected', server: 'memory' } as const), NEVER)
    this.dead = new DeadLetterBox(options)
    this.deadLetters = this.dead
    this.log = limitedLog(options.log, options.runtime)
    this.options = options
    this.groups = new Set()
  }

  publish(topic: string, message: Message, options?: PublishOptions): Observable<Receipt> {
    return new Observable(subscriber => {
      const receipt = this.accept(topic, message, resolvePublish(options))
      this.options.runtime.macrotask(() => {
        subscriber.next(receipt)
        subscriber.complete()
      })
    })
  }

  subscribe(topic: string, options?: SubscribeOptions): Observable<Event> {
    return new Observable(subscriber => {
      const matches = topicMatcher(topic)
      const { queue, ack, window } = resolveSubscribe(options)
      const group = this.group(topic, queue) ?? this.newGroup(topic, queue, matches)
      return group.join(subscriber, window, ack === 'manual')
    })
  }

  /** All groups that the topic reaches get the message, or none. */
  private accept(topic: string, message: Message, options: ResolvedPublish): Receipt {
    checkTopic(topic)
    const { runtime, maxPending } = this.options
    const reached: MemoryGroup[] = []
    for (const group of this.groups) {
      if (!group.matches(topic)) continue
      if (group.waiting >= maxPending) throw queueFull(topic, group, maxPending)
      reached.push(group)
    }
    const { id = runtime.id(), key } = options
    const queued = { id, topic, message, key, publishedAt: runtime.scheduler.now(), attempt: 1, replays: 0 }
    for (const group of reached) group.push(queued)
    return { topic, id }
  }

  private group(topic: string, queue: string | undefined): MemoryGroup | undefined {
    if (queue === undefined) return undefined
    for (const group of this.groups) if (group.queue === queue && group.topic === topic) return group
    return undefined
  }

  private newGroup(topic: string, queue: string | undefined, matches: (topic: string) => boolean): MemoryGroup {
    const onEnd = (): void => void this.groups.delete(group)
    const onDead = (queued: Queued, cause: unknown): void => this.gaveUp(group, queued, cause)
    const group = new MemoryGroup({ topic, queue, matches, onEnd, onDead }, this.options)
    this.groups.add(group)
    return group
  }

  private gaveUp(group: MemoryGroup, queued: Queued, cause: unknown): void {
    const { id: messageId, topic, message, publishedAt, attempt: attempts, replays } = queued
    const error = RpcError.from(cause)
    const { queue } = group
    this.log({
      level: 'warn',
      event: 'broker.dead_letter',
      message: `message ${messageId} of ${topic} is a dead letter, deliveries to ${group.title}: ${attempts}, cause: ${error.message}`,
      fields: { id: messageId, topic, group: group.title, attempts },
    })
    const letter = { messageId, topic, queue, message, attempts, error, sequence: undefined, publishedAt, replays }
    this.dead.add(letter, () => this.pushAgain(group, queued))
  }

  /** Gives a dead letter to the group that gave it up, or to the one that has taken its place. */
  private pushAgain(group: MemoryGroup, queued: Queued): boolean {
    const target = this.groups.has(group) ? group : this.group(group.topic, group.queue)
    target?.push({ ...queued, attempt: 1, replays: queued.replays + 1 })
    return target !== undefined
  }
}

function queueFull(topic: string, group: MemoryGroup, maxPending: number): RpcError {
  const message = `publish to ${topic}: ${group.waiting} messages wait for ${group.title}, at most ${maxPending} may`
  return new RpcError('RESOURCE_EXHAUSTED', message, { reason: 'queue_full', retry: retrySafely })
}
