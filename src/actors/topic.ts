import { topicMatcher } from '../broker/index.js'
import { fn, optional, resolveOptions } from '../core/index.js'
import { standardSchema } from './schema-option.js'
import type { SchemaInput, SchemaOutput, StandardSchema } from './standard-schema.js'

/** What can be subscribed to: a topic, or all that a pattern stands for. Subscribers get `Out`. */
export interface TopicPattern<Out> {
  /** Name of the topic; in a pattern, `*` stands for one word and a final `>` for one or more. */
  readonly name: string
  /** Checks each message, at its subscriber; `undefined` when nothing is checked. */
  readonly schema: StandardSchema<unknown, Out> | undefined
}

/** What events are published to. Publishers give `In`, subscribers get `Out`; they differ where the schema changes values. */
export interface Topic<In, Out = In> extends TopicPattern<Out> {
  /** Checks each message, at its subscriber; `undefined` when nothing is checked. */
  readonly schema: StandardSchema<In, Out> | undefined
  /** Gives the key of a message, by which `ordered` subscriptions keep order; `undefined` when messages have none. */
  readonly key: ((value: In) => string) | undefined
}

/** Options of {@link topic}. */
export interface TopicOptions<In> {
  /** Gives the key of a message, by which `ordered` subscriptions keep order. @default messages have no key */
  readonly key?: (value: In) => string
}

type WithWildcards = `${string}*${string}` | `${string}>${string}`

/**
 * Declares a topic and what its messages are: the one thing that publishers and subscribers share. One with wildcards
 * can only be subscribed to. Without a schema, or with `unchecked<T>()`, messages are not checked.
 *
 * ```ts
 * const OrderPlaced = topic('orders.placed', Order, { key: order => order.id })
 * ```
 * Throws INVALID_ARGUMENT (reasons `invalid_topic`, `invalid_options`).
 */
export function topic<S extends StandardSchema>(pattern: WithWildcards, schema: S): TopicPattern<SchemaOutput<S>>
export function topic<S extends StandardSchema>(
  name: string,
  schema: S,
  options?: TopicOptions<SchemaInput<S>>,
): Topic<SchemaInput<S>, SchemaOutput<S>>
export function topic<T = unknown>(pattern: WithWildcards): TopicPattern<T>
export function topic<T = unknown>(name: string): Topic<T>
export function topic(name: string, schema?: StandardSchema, options?: TopicOptions<never>): TopicPattern<unknown> {
  topicMatcher(name) // says now what is wrong with the name
  const checks = { schema: optional(standardSchema), key: optional(fn<(value: never) => string>()) }
  return Object.freeze({ name, ...resolveOptions<Resolved>('topic', checks, { ...options, schema }) })
}

interface Resolved {
  readonly schema: StandardSchema | undefined
  readonly key: ((value: never) => string) | undefined
}
