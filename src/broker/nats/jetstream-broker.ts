import * as E from 'fp-ts/lib/Either.js'
import { type Codec, json } from '../../codec/index.js'
import { msgpack } from '../../codec/msgpack.js'
import {
  bool,
  type Check,
  having,
  integer,
  listOf,
  MAX_TIMER_MS,
  oneOf,
  optional,
  resolveOptions,
  RpcError,
  type Runtime,
  systemRuntime,
  text,
} from '../../core/index.js'
import type { NatsConnection } from '../../transport/nats/index.js'
import type { Broker } from '../broker.js'
import { durableBroker } from '../durable/durable-broker.js'
import type { DurableOptions } from '../durable/durable-options.js'
import { nativeEnvelope } from '../native-envelope.js'
import { topicMatcher } from '../topic.js'
import { goMicroEnvelope } from './go-micro-envelope.js'
import { jetstreamLog } from './jetstream-log.js'
import type { StreamSettings } from './stream-settings.js'

/** Options of {@link jetstreamBroker}. */
export interface JetStreamBrokerOptions extends Omit<DurableOptions, 'envelope' | 'deadLetterPrefix'> {
  /** Name of the stream: letters, digits, `_` and `-`. Its dead letters are in stream `<name>-dead`. */
  readonly stream: string
  /** Topics that the stream keeps, which may have wildcards; no other stream may have them, so `>` is too much. */
  readonly subjects: readonly string[]
  /** Whether streams that are not there are made. @default true */
  readonly create?: boolean
  /** Where messages are kept. @default 'file', where the stream is made */
  readonly storage?: 'file' | 'memory'
  /** On how many servers of a cluster messages are kept. @default 1, where the stream is made */
  readonly replicas?: number
  /** How long messages are kept, ms; 0 for ever. @default 0, where the stream is made */
  readonly maxAgeMs?: number
  /** Most bytes of the stream; -1 for no limit. @default -1, where the stream is made */
  readonly maxBytes?: number
  /** Most messages of the stream; -1 for no limit. @default -1, where the stream is made */
  readonly maxMessages?: number
  /**
   * What happens when the stream is full: `new` refuses what is published (RESOURCE_EXHAUSTED, reason `log_full`), `old`
   * lets the oldest go, whether it was processed or not. @default 'new', where the stream is made
   */
  readonly discard?: 'old' | 'new'
  /** How long a message is known by its id, ms. @default 120_000, where the stream is made */
  readonly dedupWindowMs?: number
  /** How long the server has for one answer, ms. @default 5000 */
  readonly requestTimeoutMs?: number
  /** Makes bytes of bodies. @default `msgpack()`, and `json()` in go-micro's envelope */
  readonly codec?: Codec
  /** How messages are written, as `natsBroker` has it. @default 'native' */
  readonly envelope?: 'native' | 'go-micro'
}

/** What topics of dead letters begin with, before the name of their stream. */
const DEAD_LETTERS = 'dead-letters'

/**
 * A broker over JetStream: a {@link durableBroker} whose log is a stream, and whose queue groups are durable consumers.
 *
 * Streams and consumers are made, or looked at, when they are first used, and after every loss of the connection. One
 * that is there already and has other settings than are asked for here is left alone: FAILED_PRECONDITION (reason
 * `settings_differ`), with every difference. What is left out here is not looked at.
 *
 * Beside the errors of a durable broker: FAILED_PRECONDITION with the reason `no_jetstream` when the server has none, and
 * `no_log_for_topic` for a topic that the stream does not keep; RESOURCE_EXHAUSTED with `log_full` and
 * `message_too_large`; UNAUTHENTICATED and PERMISSION_DENIED as the connection has them.
 *
 * Throws INVALID_ARGUMENT (reason `invalid_options`, `invalid_topic`).
 */
export function jetstreamBroker(connection: NatsConnection, options: JetStreamBrokerOptions): Broker {
  const {
    stream: name,
    subjects,
    create,
    requestTimeoutMs,
    codec,
    envelope,
    runtime,
    storage,
    replicas,
    maxAgeMs,
    maxBytes,
    maxMessages,
    discard,
    dedupWindowMs,
    ...durable
  } = resolveOptions<Resolved>('jetstreamBroker', checks, options)
  const lasting = defined({ storage, replicas })
  const messages = {
    name,
    subjects,
    ...lasting,
    ...defined({ maxAgeMs, maxBytes, maxMessages, discard, dedupWindowMs }),
  }
  const deadLetterPrefix = `${DEAD_LETTERS}.${name}`
  checkApart(subjects, [`${deadLetterPrefix}.>`, `turns.${name}.>`])
  const dead = { name: `${name}-dead`, subjects: [`${deadLetterPrefix}.>`], ...lasting }
  const logOf = (stream: StreamSettings) => jetstreamLog(connection, { stream, create, requestTimeoutMs, runtime })
  return durableBroker(
    { messages: logOf(messages), dead: logOf(dead) },
    {
      ...defined(durable),
      runtime,
      deadLetterPrefix,
      envelope: envelope === 'native' ? nativeEnvelope(codec ?? msgpack()) : goMicroEnvelope(codec ?? json()),
    },
  )
}

type Resolved = { readonly [K in keyof JetStreamBrokerOptions]-?: JetStreamBrokerOptions[K] | undefined } & {
  readonly stream: string
  readonly subjects: readonly string[]
  readonly create: boolean
  readonly requestTimeoutMs: number
  readonly runtime: Runtime
}

const name: Check<string> = (value, option) => {
  const checked = text(value, option)
  if (E.isLeft(checked) || /^[\w-]{1,128}$/.test(checked.right)) return checked
  return E.left([`${option}: expected at most 128 letters, digits, _ and -`])
}

const topics: Check<readonly string[]> = (value, option) => {
  const checked = listOf(text)(value, option)
  if (E.isLeft(checked)) return checked
  for (const topic of checked.right) topicMatcher(topic) // refuses what is none
  return checked.right.length > 0 ? checked : E.left([`${option}: expected at least one topic`])
}

const given: Check<never> = value => E.right(value as never) // checked by durableBroker

const checks = {
  stream: name,
  subjects: topics,
  create: optional(bool, true),
  storage: optional(oneOf('file', 'memory')),
  replicas: optional(integer({ min: 1, max: 5 })),
  maxAgeMs: optional(integer({ min: 0 })),
  maxBytes: optional(integer({ min: -1 })),
  maxMessages: optional(integer({ min: -1 })),
  discard: optional(oneOf('old', 'new')),
  dedupWindowMs: optional(integer({ min: 100 })),
  requestTimeoutMs: optional(integer({ min: 100, max: MAX_TIMER_MS }), 5000),
  codec: optional(having<Codec>('contentType', 'encode', 'decodeUnsafe')),
  envelope: optional(oneOf('native', 'go-micro'), 'native' as const),
  runtime: optional(having<Runtime>('scheduler', 'random', 'id', 'microtask'), systemRuntime()),
  maxDeliver: given,
  backoffMs: given,
  ackWaitMs: given,
  publishTimeoutMs: given,
  maxPublishing: given,
  log: given,
} as const

/** Two streams must not keep the same topics. */
function checkApart(subjects: readonly string[], reserved: readonly string[]): void {
  for (const subject of subjects) {
    const clash = reserved.find(each => topicMatcher(subject)(each.replace('>', 'a')))
    if (clash === undefined) continue
    const message = `jetstreamBroker: subjects: ${subject} includes ${clash}, where the broker has a stream of its own`
    throw new RpcError('INVALID_ARGUMENT', message, { reason: 'invalid_options' })
  }
}

function defined<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as never
}
