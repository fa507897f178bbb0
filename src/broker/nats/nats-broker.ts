import { Observable } from 'rxjs'
import type { Codec } from '../../codec/index.js'
import { json } from '../../codec/index.js'
import { msgpack } from '../../codec/msgpack.js'
import {
  consoleLog,
  fn,
  having,
  integer,
  limitedLog,
  type Log,
  MAX_TIMER_MS,
  type Message,
  oneOf,
  optional,
  resolveOptions,
  RpcError,
  type Runtime,
  systemRuntime,
} from '../../core/index.js'
import type { NatsConnection } from '../../transport/nats/index.js'
import type { Broker, Event, PublishOptions, Receipt, SubscribeOptions } from '../broker.js'
import type { BrokerStatus } from '../broker-status.js'
import { type ResolvedSubscribe, resolvePublish, resolveSubscribe } from '../call-options.js'
import { DeadLetterBox } from '../dead-letter-box.js'
import type { DeadLetters } from '../dead-letters.js'
import type { Envelope } from '../envelope.js'
import { nativeEnvelope } from '../native-envelope.js'
import { checkTopic, topicMatcher } from '../topic.js'
import { goMicroEnvelope } from './go-micro-envelope.js'
import { messageIds } from './message-ids.js'
import { type GivenUp, NatsMember } from './nats-member.js'
import { NatsPublisher } from './nats-publisher.js'
import { queueName } from './queue-name.js'

/** Options of {@link natsBroker}. */
export interface NatsBrokerOptions {
  /** Makes bytes of bodies. @default `msgpack()`, and `json()` in go-micro's envelope */
  readonly codec?: Codec
  /**
   * How messages are written: `native` has what is said about a message in headers of NATS, `go-micro` in one JSON
   * document with the body, as go-micro's services do. @default 'native'
   */
  readonly envelope?: 'native' | 'go-micro'
  /** Most messages that wait for a connection; with 0 publishing fails at once while there is none. @default 1024 */
  readonly maxWaitingPublishes?: number
  /** Longest time until the server has confirmed a message, that of waiting for a connection included, ms. @default 5000 */
  readonly publishTimeoutMs?: number
  /** Most messages that wait for one subscriber, beside those in its window; then its `overflow` applies. @default 8192 */
  readonly maxPending?: number
  /** Most bytes of those, one message at least. @default 67_108_864 */
  readonly maxPendingBytes?: number
  /** Most dead letters that are kept; then the oldest goes, with a log event. @default 1024 */
  readonly maxDeadLetters?: number
  /** Time, chance and turns. @default `systemRuntime()` */
  readonly runtime?: Runtime
  /** Hears of messages that are given up. @default `consoleLog` */
  readonly log?: Log
}

/**
 * A broker over core NATS, which keeps nothing: a message goes to whoever is subscribed when it arrives, at most once.
 *
 * `publish` completes when the server has the message. While there is no connection messages wait, in order: beyond
 * `maxWaitingPublishes` it fails with RESOURCE_EXHAUSTED (reason `queue_full`), after `publishTimeoutMs` with UNAVAILABLE
 * (`not_connected`); nothing was sent then, so both are safe to retry. The connection may be lost before the server has
 * confirmed (UNAVAILABLE, `connection_lost`), or be silent (DEADLINE_EXCEEDED, `not_confirmed`): then nobody knows, and
 * to publish again may do it twice. Above the limit of the server: RESOURCE_EXHAUSTED (`message_too_large`).
 *
 * Subscriptions outlive connections; what is published while they have none does not reach them. What is beyond the
 * window waits in this process, up to `maxPending`. Nothing comes again: what was not processed, or cannot be read, is a
 * dead letter at once, kept in this process, and so is what a member of a queue group had when it left. `from` other
 * than `new` is FAILED_PRECONDITION (`no_replay`), `ordered` too (`no_order`): members of a group cannot wait for each
 * other; one subscriber by itself has all in order with a `window` of 1.
 */
export function natsBroker(connection: NatsConnection, options?: NatsBrokerOptions): Broker {
  const { codec, envelope, ...resolved } = resolveOptions<Given>(
    'natsBroker',
    {
      codec: optional(having<Codec>('contentType', 'encode', 'decodeUnsafe')),
      envelope: optional(oneOf('native', 'go-micro'), 'native' as const),
      maxWaitingPublishes: optional(integer({ min: 0, max: Infinity }), 1024),
      publishTimeoutMs: optional(integer({ min: 1, max: MAX_TIMER_MS }), 5000),
      maxPending: optional(integer({ min: 1, max: Infinity }), 8192),
      maxPendingBytes: optional(integer({ min: 1, max: Infinity }), 67_108_864),
      maxDeadLetters: optional(integer({ min: 1, max: Infinity }), 1024),
      runtime: optional(having<Runtime>('scheduler', 'id', 'macrotask'), systemRuntime()),
      log: optional(fn<Log>(), consoleLog),
    },
    options,
  )
  const isNative = envelope === 'native'
  const written = isNative ? nativeEnvelope(codec ?? msgpack()) : goMicroEnvelope(codec ?? json())
  return new NatsBroker(connection, { ...resolved, envelope: written })
}

type Given = Omit<Required<NatsBrokerOptions>, 'codec'> & { readonly codec: Codec | undefined }
type Resolved = Omit<Given, 'codec' | 'envelope'> & { readonly envelope: Envelope }

class NatsBroker implements Broker {
  readonly name = 'nats'
  readonly status$: Observable<BrokerStatus>
  readonly deadLetters: DeadLetters
  private readonly connection: NatsConnection
  private readonly options: Resolved
  private readonly publisher: NatsPublisher
  private readonly dead: DeadLetterBox
  private readonly log: Log
  private readonly newId: () => string
  /** The members that are here, of each queue group. */
  private readonly groups: Map<string, Set<NatsMember>>

  constructor(connection: NatsConnection, options: Resolved) {
    this.status$ = connection.status$
    this.dead = new DeadLetterBox(options)
    this.deadLetters = this.dead
    this.connection = connection
    this.options = options
    this.publisher = new NatsPublisher(connection, options)
    this.log = limitedLog(options.log, options.runtime)
    this.newId = messageIds(options.runtime)
    this.groups = new Map()
  }

  publish(topic: string, message: Message, options?: PublishOptions): Observable<Receipt> {
    return new Observable(subscriber => {
      checkTopic(topic)
      const { envelope, runtime } = this.options
      const { id = this.newId(), key } = resolvePublish(options)
      const publishedAt = Math.trunc(runtime.scheduler.now())
      const enveloped = envelope.write(topic, message, { id, key, publishedAt })
      return this.publisher.publish(subscriber, { topic, id }, enveloped)
    })
  }

  subscribe(topic: string, options?: SubscribeOptions): Observable<Event> {
    return new Observable(subscriber => {
      topicMatcher(topic)
      const resolved = resolveSubscribe(options)
      checkPossible(topic, resolved)
      const { queue, ack, window, overflow = 'error' } = resolved
      const onGivenUp = (given: GivenUp): void => this.gaveUp(member, group, given)
      const member: NatsMember = new NatsMember({
        ...this.options,
        ...{ subscriber, topic, queue, ack, window, overflow, onGivenUp },
      })
      const group: Group = { topic, queue, members: this.enter(topic, queue, member) }
      subscriber.add(() => this.exit(group, member))
      subscriber.add(member.join(this.connection))
    })
  }

  private enter(topic: string, queue: string | undefined, member: NatsMember): Set<NatsMember> {
    if (queue === undefined) return new Set([member])
    const key = keyOf(topic, queue)
    const members = this.groups.get(key) ?? new Set()
    this.groups.set(key, members.add(member))
    return members
  }

  private exit({ topic, queue, members }: Group, member: NatsMember): void {
    members.delete(member)
    if (members.size === 0 && queue !== undefined) this.groups.delete(keyOf(topic, queue))
  }

  private gaveUp(by: NatsMember, { topic: pattern, queue }: Group, given: GivenUp): void {
    const { id: messageId, arrived, message, publishedAt, error } = given
    const { topic, replays } = arrived
    const title = queue === undefined ? `a subscriber of ${pattern}` : `queue ${queue} of ${pattern}`
    this.log({
      level: 'warn',
      event: 'broker.dead_letter',
      message: `message ${messageId} of ${topic} is a dead letter of ${title}: ${error.message}`,
      fields: { id: messageId, topic, group: title, attempts: 1 },
    })
    const letter = { messageId, topic, queue, message, attempts: 1, error, sequence: undefined, publishedAt, replays }
    this.dead.add(letter, () => {
      const others = queue === undefined ? [] : (this.groups.get(keyOf(pattern, queue)) ?? [])
      return [by, ...others].some(member => member.again(arrived))
    })
  }
}

interface Group {
  readonly topic: string
  readonly queue: string | undefined
  readonly members: Set<NatsMember>
}

/** Topics have no spaces. */
function keyOf(topic: string, queue: string): string {
  return `${topic} ${queue}`
}

function checkPossible(topic: string, { from, ordered, queue }: ResolvedSubscribe): void {
  if (queue !== undefined) queueName(queue)
  if (from !== 'new') {
    const message = `subscribe to ${topic}: core NATS keeps no messages, so there is nothing to begin from; JetStream does`
    throw new RpcError('FAILED_PRECONDITION', message, { reason: 'no_replay' })
  }
  if (ordered) {
    const message =
      `subscribe to ${topic}: members of a queue group cannot wait for each other over core NATS, as over JetStream; ` +
      'a subscriber by itself has all in order with window: 1'
    throw new RpcError('FAILED_PRECONDITION', message, { reason: 'no_order' })
  }
}
