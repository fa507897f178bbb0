import { Observable } from 'rxjs'
import {
  consoleLog,
  fn,
  having,
  integer,
  type Log,
  MAX_TIMER_MS,
  type Message,
  number,
  oneOf,
  optional,
  resolveOptions,
  RpcError,
  type Runtime,
  retrySafely,
  systemRuntime,
  text,
} from '../core/index.js'
import type { Broker, Event, Receipt, SubscribeOptions } from './broker.js'
import { MemoryGroup, type MemoryGroupOptions } from './memory-group.js'
import { checkTopic, topicMatcher } from './topic.js'

/** Options of {@link memoryBroker}. */
export interface MemoryBrokerOptions {
  /** Time, chance, and the later turns in which messages are delivered. @default systemRuntime() */
  readonly runtime?: Runtime
  /** Hears of messages that are given up. @default consoleLog */
  readonly log?: Log
  /** Most messages that wait for one group, beside those at its members; then `publish` fails. @default 1024 */
  readonly maxPending?: number
  /** Most deliveries of one message to one group; after that it is dropped with a log event. @default 5 */
  readonly maxDeliver?: number
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
 * Messages that are given up are named in the log: `broker.message_dropped` after `maxDeliver` attempts,
 * `broker.group_ended` for what waited for a queue group whose last member has left.
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
        redeliverAfterMs: optional(number({ min: 0 }), 100),
        keepGroupMs: optional(number({ min: 0, max: MAX_TIMER_MS }), 1000),
      },
      options,
    ),
  )
}

class MemoryBroker implements Broker {
  readonly name = 'memory'
  private readonly options: MemoryGroupOptions
  private readonly groups: Set<MemoryGroup>

  constructor(options: MemoryGroupOptions) {
    this.options = options
    this.groups = new Set()
  }

  publish(topic: string, message: Message): Observable<Receipt> {
    return new Observable(subscriber => {
      const receipt = this.accept(topic, message)
      this.options.runtime.macrotask(() => {
        subscriber.next(receipt)
        subscriber.complete()
      })
    })
  }

  subscribe(topic: string, options?: SubscribeOptions): Observable<Event> {
    return new Observable(subscriber => {
      const matches = topicMatcher(topic)
      const { queue, ack, window } = resolveOptions('subscribe', subscribeChecks, options)
      const group = this.group(topic, queue) ?? this.newGroup(topic, queue, matches)
      return group.join(subscriber, window, ack === 'manual')
    })
  }

  /** All groups that the topic reaches get the message, or none. */
  private accept(topic: string, message: Message): Receipt {
    checkTopic(topic)
    const { runtime, maxPending } = this.options
    const reached: MemoryGroup[] = []
    for (const group of this.groups) {
      if (!group.matches(topic)) continue
      if (group.waiting >= maxPending) throw queueFull(topic, group, maxPending)
      reached.push(group)
    }
    const id = runtime.id()
    const queued = { id, topic, message, publishedAt: runtime.scheduler.now(), attempt: 1 }
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
    const group = new MemoryGroup({ topic, queue, matches, onEnd }, this.options)
    this.groups.add(group)
    return group
  }
}

const subscribeChecks = {
  queue: optional(text),
  ack: optional(oneOf('consumed', 'manual'), 'consumed'),
  window: optional(integer({ min: 1, max: Infinity }), 256),
} as const

function queueFull(topic: string, group: MemoryGroup, maxPending: number): RpcError {
  const message = `publish to ${topic}: ${group.waiting} messages wait for ${group.title}, at most ${maxPending} may`
  return new RpcError('RESOURCE_EXHAUSTED', message, { reason: 'queue_full', retry: retrySafely })
}
