import * as E from 'fp-ts/lib/Either.js'
import {
  type Check,
  consoleLog,
  fn,
  having,
  integer,
  listOf,
  type Log,
  MAX_TIMER_MS,
  number,
  optional,
  resolveOptions,
  type Runtime,
  systemRuntime,
} from '../core/index.js'

/** Options of {@link memoryBroker}. */
export interface MemoryBrokerOptions {
  /** Time, chance, and the later turns in which messages are delivered. @default systemRuntime() */
  readonly runtime?: Runtime
  /** Hears of messages that are given up, or lost. @default consoleLog */
  readonly log?: Log
  /** Most messages that wait for one group, beside those at its members; then `publish` fails. @default 1024 */
  readonly maxPending?: number
  /** Most deliveries of one message to one group; after that it is a dead letter. @default 5 */
  readonly maxDeliver?: number
  /**
   * Time until a message that was released with an error comes again, ms: after the first attempt, the second and so on,
   * the last for all further ones. @default [100, 1000, 5000, 30_000]
   */
  readonly backoffMs?: readonly number[]
  /** Most dead letters that are kept; then the oldest goes, with a log event. @default 1024 */
  readonly maxDeadLetters?: number
  /** How long a queue group outlives its last member while it has messages, ms: the time for a `retry` to come back. @default 1000 */
  readonly keepGroupMs?: number
  /** Most messages of each topic that are kept for who subscribes later and asks for them with `from`. @default 0 */
  readonly keep?: number
  /** Most messages of all topics that are kept; then the oldest goes. @default 65_536 */
  readonly maxKept?: number
  /** How long the id that a publisher gave is known, so that a message comes once however often it is published, ms. @default 120_000 */
  readonly deduplicateMs?: number
  /** Most ids that are known; then the oldest is forgotten. @default 65_536 */
  readonly maxIds?: number
}

/** Fills and checks the options of a memory broker. Throws INVALID_ARGUMENT (reason `invalid_options`) with every fault. */
export function resolveMemory(options: MemoryBrokerOptions | undefined): Required<MemoryBrokerOptions> {
  return resolveOptions<Required<MemoryBrokerOptions>>(
    'memoryBroker',
    {
      runtime: optional(having<Runtime>('scheduler', 'macrotask'), systemRuntime()),
      log: optional(fn<Log>(), consoleLog),
      maxPending: optional(integer({ min: 1, max: Infinity }), 1024),
      maxDeliver: optional(integer({ min: 1, max: Infinity }), 5),
      backoffMs: optional(delays, [100, 1000, 5000, 30_000]),
      maxDeadLetters: optional(integer({ min: 1, max: Infinity }), 1024),
      keepGroupMs: optional(number({ min: 0, max: MAX_TIMER_MS }), 1000),
      keep: optional(integer({ min: 0, max: Infinity }), 0),
      maxKept: optional(integer({ min: 1, max: Infinity }), 65_536),
      deduplicateMs: optional(number({ min: 0 }), 120_000),
      maxIds: optional(integer({ min: 1, max: Infinity }), 65_536),
    },
    options,
  )
}

const delay = listOf(number({ min: 0, max: MAX_TIMER_MS }))

const delays: Check<readonly number[]> = (value, name) => {
  const checked = delay(value, name)
  return E.isRight(checked) && checked.right.length === 0 ? E.left([`${name}: expected at least one delay`]) : checked
}
