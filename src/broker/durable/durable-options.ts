import * as E from 'fp-ts/lib/Either.js'
import {
  consoleLog,
  fn,
  having,
  integer,
  listOf,
  MAX_TIMER_MS,
  number,
  optional,
  resolveOptions,
  systemRuntime,
  text,
  type Check,
  type Log,
  type Runtime,
} from '../../core/index.js'
import { checkTopic } from '../topic.js'
import type { Envelope } from '../envelope.js'

/** Options of {@link durableBroker}. */
export interface DurableOptions {
  /** How messages are written for the log. */
  readonly envelope: Envelope
  /** What the topics of dead letters begin with, in their log. @default 'dead-letters' */
  readonly deadLetterPrefix?: string
  /** Most deliveries of one message to one group; after that it is a dead letter. @default 5 */
  readonly maxDeliver?: number
  /** Time until a message that failed comes again, ms, by attempt; the last holds for all further ones. @default [100, 1000, 5000, 30_000] */
  readonly backoffMs?: readonly number[]
  /** Time after which a delivery comes again of whose process nothing is heard, ms. Work may take longer. @default 30_000 */
  readonly ackWaitMs?: number
  /** How long a message is offered to a log that cannot be reached, ms. @default 10_000 */
  readonly publishTimeoutMs?: number
  /** Most messages that are on their way to the log; then `publish` fails with `queue_full`. @default 4096 */
  readonly maxPublishing?: number
  /** Time, chance and turns. @default systemRuntime() */
  readonly runtime?: Runtime
  /** Hears of dead letters and outages. @default consoleLog */
  readonly log?: Log
}

/** Options of a durable broker, filled and checked. */
export type ResolvedDurable = Required<DurableOptions>

const delays: Check<readonly number[]> = (value, name) => {
  const checked = listOf(number({ min: 0, max: MAX_TIMER_MS }))(value, name)
  return E.isRight(checked) && checked.right.length === 0 ? E.left([`${name}: expected at least one delay`]) : checked
}

/** Fills and checks options. Throws INVALID_ARGUMENT (reason `invalid_options`, `invalid_topic`) with every fault. */
export function resolveDurable(options: DurableOptions): ResolvedDurable {
  const resolved = resolveOptions<ResolvedDurable>(
    'durableBroker',
    {
      envelope: having<Envelope>('write', 'read', 'facts'),
      deadLetterPrefix: optional(text, 'dead-letters'),
      maxDeliver: optional(integer({ min: 1, max: Infinity }), 5),
      backoffMs: optional(delays, [100, 1000, 5000, 30_000]),
      ackWaitMs: optional(number({ min: 100, max: MAX_TIMER_MS }), 30_000),
      publishTimeoutMs: optional(number({ min: 0, max: MAX_TIMER_MS }), 10_000),
      maxPublishing: optional(integer({ min: 1, max: Infinity }), 4096),
      runtime: optional(having<Runtime>('scheduler', 'random', 'id'), systemRuntime()),
      log: optional(fn<Log>(), consoleLog),
    },
    options,
  )
  checkTopic(resolved.deadLetterPrefix)
  return resolved
}
