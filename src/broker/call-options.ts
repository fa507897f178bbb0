import * as E from 'fp-ts/lib/Either.js'
import { bool, type Check, integer, number, oneOf, optional, resolveOptions, text } from '../core/index.js'
import type { OverflowPolicy } from '../streams/index.js'
import type { From, PublishOptions, SubscribeOptions } from './broker.js'

/** {@link PublishOptions}, checked. */
export interface ResolvedPublish {
  /** {@link PublishOptions.id}. */
  readonly id: string | undefined
  /** {@link PublishOptions.key}. */
  readonly key: string | undefined
}

/** {@link SubscribeOptions}, filled and checked. */
export type ResolvedSubscribe = Required<Omit<SubscribeOptions, 'queue' | 'overflow'>> & {
  /** {@link SubscribeOptions.queue}. */
  readonly queue: string | undefined
  /** {@link SubscribeOptions.overflow}; brokers differ in what they do without it. */
  readonly overflow: OverflowPolicy | undefined
}

/** Checks the options of a publish. Throws INVALID_ARGUMENT (reason `invalid_options`) with every fault. */
export function resolvePublish(options: PublishOptions | undefined): ResolvedPublish {
  return options === undefined ? NONE : resolveOptions<ResolvedPublish>('publish', publishChecks, options)
}

/** Fills and checks the options of a subscription. Throws INVALID_ARGUMENT (reason `invalid_options`) with every fault. */
export function resolveSubscribe(options: SubscribeOptions | undefined): ResolvedSubscribe {
  return resolveOptions<ResolvedSubscribe>('subscribe', subscribeChecks, options)
}

const NONE: ResolvedPublish = Object.freeze({ id: undefined, key: undefined })

const publishChecks = { id: optional(text), key: optional(text) } as const

const positions = {
  last: integer({ min: 1, max: Infinity }),
  sequence: integer({ min: 0 }),
  time: number({ min: 0 }),
} as const

const from: Check<From> = (value, name) => {
  if (value === 'new' || value === 'all') return E.right(value)
  const [entry, ...others] = typeof value === 'object' && value !== null ? Object.entries(value) : []
  const check = entry && others.length === 0 ? Object.entries(positions).find(([kind]) => kind === entry[0]) : undefined
  if (entry === undefined || check === undefined) {
    return E.left([`${name}: expected 'new', 'all', or one of { last }, { sequence } and { time }`])
  }
  const checked = check[1](entry[1], `${name}.${entry[0]}`)
  return E.isLeft(checked) ? checked : E.right(value as From)
}

const subscribeChecks = {
  queue: optional(text),
  ack: optional(oneOf('consumed', 'manual', 'none'), 'consumed' as const),
  window: optional(integer({ min: 1, max: Infinity }), 256),
  from: optional(from, 'new' as const),
  ordered: optional(bool, false),
  overflow: optional(oneOf<OverflowPolicy>('error', 'dropOldest', 'dropNewest', 'latest')),
} as const
