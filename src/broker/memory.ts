import { concat, NEVER, Observable, of } from 'rxjs'
import { limitedLog, type Log, type Message, RpcError, retrySafely } from '../core/index.js'
import type { Broker, Event, From, PublishOptions, Receipt, SubscribeOptions } from './broker.js'
import type { BrokerStatus } from './broker-status.js'
import { type ResolvedPublish, resolvePublish, resolveSubscribe, type ResolvedSubscribe } from './call-options.js'
import { DeadLetterBox } from './dead-letter-box.js'
import type { DeadLetters } from './dead-letters.js'
import { KeptMessages } from './kept-messages.js'
import { KnownIds } from './known-ids.js'
import type { Published, Queued } from './memory-event.js'
import { type GroupOwner, MemoryGroup } from './memory-group.js'
import { type MemoryBrokerOptions, resolveMemory } from './memory-options.js'
import { checkTopic, topicMatcher } from './topic.js'

/**
 * A broker within one process: the value itself is what its users share.
 *
 * Messages are handed on as they are, not copied, in a later turn of the runtime, so it runs in virtual time as it does
 * in real time. Nothing waits for those who have left: a plain subscriber's messages go with it, a queue group's
 * `keepGroupMs` after its last member, unless another one joins before.
 *
 * Beside the errors that every broker has, `publish` fails with RESOURCE_EXHAUSTED (reason `queue_full`, safe to retry)
 * when `maxPending` messages wait for a group that the topic reaches; no group has got the message then. `subscribe`
 * fails with FAILED_PRECONDITION (reason `settings_differ`) in a queue group whose members have another `ordered` or
 * `overflow`, and (reason `no_replay`) when it is to begin with messages and the broker was not told to `keep` any.
 * Messages that are given up are dead letters: after `maxDeliver` attempts, and (reason `no_members`) what waited for a
 * queue group whose last member has left. The broker keeps them, and logs `broker.dead_letter` for each.
 */
export function memoryBroker(options?: MemoryBrokerOptions): Broker {
  return new MemoryBroker(resolveMemory(options))
}

class MemoryBroker implements Broker, GroupOwner {
  readonly name = 'memory'
  readonly status$: Observable<BrokerStatus>
  readonly deadLetters: DeadLetters
  private readonly options: Required<MemoryBrokerOptions>
  private readonly groups: Set<MemoryGroup>
  private readonly dead: DeadLetterBox
  private readonly kept: KeptMessages | undefined
  private readonly known: KnownIds
  private readonly log: Log
  /** The number of the message that was taken last. */
  private sequence: number

  constructor(options: Required<MemoryBrokerOptions>) {
    this.status$ = concat(of({ state: 'connected', server: 'memory' } as const), NEVER)
    this.dead = new DeadLetterBox(options)
    this.deadLetters = this.dead
    this.kept = options.keep > 0 ? new KeptMessages(options) : undefined
    this.known = new KnownIds(options)
    this.log = limitedLog(options.log, options.runtime)
    this.options = options
    this.groups = new Set()
    this.sequence = 0
  }

  publish(topic: string, message: Message, options?: PublishOptions): Observable<Receipt> {
    return new Observable(subscriber => {
      checkTopic(topic)
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
      const resolved = resolveSubscribe(options)
      if (this.kept === undefined && resolved.from !== 'new') throw noReplay(topic)
      const known = this.group(topic, resolved.queue)
      if (known !== undefined) checkSettings(known, resolved)
      const group = known ?? this.newGroup(topic, matches, resolved)
      return group.join(subscriber, resolved)
    })
  }

  gaveUp(group: MemoryGroup, queued: Queued, cause: unknown): void {
    const { settings, title } = group
    const { id: messageId, topic, message, publishedAt, attempt: attempts, replays, sequence } = queued
    const error = RpcError.from(cause)
    this.log({
      level: 'warn',
      event: 'broker.dead_letter',
      message: `message ${messageId} of ${topic} is a dead letter, deliveries to ${title}: ${attempts}, cause: ${error.message}`,
      fields: { id: messageId, topic, group: title, attempts },
    })
    const { queue } = settings
    const letter = { messageId, topic, queue, message, attempts, error, sequence, publishedAt, replays }
    this.dead.add(letter, () => this.pushAgain(group, queued))
  }

  lost({ title, waiting }: MemoryGroup, { id, topic }: Queued): void {
    this.log({
      level: 'warn',
      event: 'broker.overflow',
      message: `message ${id} of ${topic} is lost to ${title}, for which ${waiting} wait`,
      fields: { id, topic, group: title },
    })
  }

  ended(group: MemoryGroup): void {
    this.groups.delete(group)
  }

  /** All groups that the topic reaches get the message, or none. */
  private accept(topic: string, message: Message, { id, key }: ResolvedPublish): Receipt {
    const { runtime, maxPending } = this.options
    const now = runtime.scheduler.now()
    const before = id === undefined ? undefined : this.known.find(id, now)
    if (before !== undefined) return { ...before, duplicate: true }
    const reached: MemoryGroup[] = []
    for (const group of this.groups) {
      if (!group.settings.matches(topic)) continue
      if (group.refuses) throw queueFull(topic, group, maxPending)
      reached.push(group)
    }
    const sequence = this.kept && ++this.sequence
    const published = { id: id ?? runtime.id(), topic, message, key, publishedAt: now, sequence }
    for (const group of reached) group.offer(firstOf(published))
    return this.receiptOf(published, id !== undefined)
  }

  /** Remembers what has been taken. */
  private receiptOf(published: Published, isNamed: boolean): Receipt {
    const { id, topic, publishedAt, sequence } = published
    const receipt = sequence === undefined ? { topic, id } : { topic, id, sequence }
    if (sequence !== undefined) this.kept?.add(sequence, published)
    if (isNamed) this.known.add(receipt, publishedAt)
    return receipt
  }

  private group(topic: string, queue: string | undefined): MemoryGroup | undefined {
    if (queue === undefined) return undefined
    for (const group of this.groups) {
      if (group.settings.queue === queue && group.settings.topic === topic) return group
    }
    return undefined
  }

  private newGroup(topic: string, matches: (topic: string) => boolean, resolved: ResolvedSubscribe): MemoryGroup {
    const { queue, ordered, overflow, from } = resolved
    const group = new MemoryGroup({ topic, queue, matches, ordered, overflow }, this.options, this)
    this.groups.add(group)
    group.begin(this.replay(from, matches))
    return group
  }

  private replay(from: From, matches: (topic: string) => boolean): readonly Queued[] {
    return this.kept?.replay(from, matches).map(firstOf) ?? []
  }

  /** Gives a dead letter to the group that gave it up, or to the one that has taken its place. */
  private pushAgain(group: MemoryGroup, queued: Queued): boolean {
    const { topic, queue } = group.settings
    const target = this.groups.has(group) ? group : this.group(topic, queue)
    if (target === undefined || target.isFull) return false
    target.push({ ...queued, attempt: 1, replays: queued.replays + 1 })
    return true
  }
}

function firstOf(published: Published): Queued {
  return { ...published, attempt: 1, replays: 0 }
}

function checkSettings({ settings, title }: MemoryGroup, asked: ResolvedSubscribe): void {
  const names = ['ordered', 'overflow'] as const
  const differences = names
    .filter(name => settings[name] !== asked[name])
    .map(name => `${name} is ${String(settings[name])} there, ${String(asked[name])} here`)
  if (differences.length === 0) return
  const message = `${title} has members with other settings: ${differences.join('; ')}`
  throw new RpcError('FAILED_PRECONDITION', message, { reason: 'settings_differ', details: differences })
}

function noReplay(topic: string): RpcError {
  const message = `subscribe to ${topic}: a memory broker has messages to begin with when it is made with keep: n`
  return new RpcError('FAILED_PRECONDITION', message, { reason: 'no_replay' })
}

function queueFull(topic: string, group: MemoryGroup, maxPending: number): RpcError {
  const message = `publish to ${topic}: ${group.waiting} messages wait for ${group.title}, at most ${maxPending} may`
  return new RpcError('RESOURCE_EXHAUSTED', message, { reason: 'queue_full', retry: retrySafely })
}
