import { type Observable, map } from 'rxjs'
import { resolveSubscribe, type SubscribeOptions } from '../broker/index.js'
import { oneOf, optional, resolveOptions, type Runtime } from '../core/index.js'
import type { EventBus } from './event-bus.js'
import type { TopicPattern } from './topic.js'
import type { TopicEvent } from './topic-event.js'

/** What a handler of a topic knows besides its events. */
export interface TopicContext {
  /** Name of the service that it works for. */
  readonly service: string
  /** The topics of the service's broker, to publish what follows from an event. */
  readonly bus: EventBus
  /** Time and chance of the service. */
  readonly runtime: Runtime
}

/** Options of {@link on} and {@link onEvents}: those of a subscription. */
export interface OnOptions extends Omit<SubscribeOptions, 'queue'> {
  /**
   * The queue group that shares the messages; `false` for every message at every instance of the service.
   * @default the name of the service
   */
  readonly queue?: string | false
}

/** Options of {@link on}: values cannot be acknowledged by hand. */
export interface OnValueOptions extends OnOptions {
  /** As {@link SubscribeOptions.ack}; for `manual` take {@link onEvents}. @default 'consumed' */
  readonly ack?: 'consumed' | 'none'
}

/** A topic with what an actor does about it. */
export interface TopicHandler {
  /** What is subscribed to. */
  readonly topic: TopicPattern<unknown>
  /** Makes of the events what the service subscribes to. */
  readonly handle: (event$: Observable<TopicEvent<unknown>>, context: TopicContext) => Observable<unknown>
  /** How it is subscribed to. */
  readonly options: OnOptions
}

/**
 * Joins a topic with the operator that handles its values, for an actor: `on(OrderPlaced, pacedMap(bill))`.
 *
 * - What the handler gives is subscribed while the service runs, and its items are ignored. It is to end after its input
 *   has: a service that drains completes the input and waits.
 * - A message is acknowledged when its value is consumed, so `pacedMap` does: when the inner Observable has ended. If that
 *   fails, the message comes again and the others are not affected.
 * - A result that fails is logged (`topic.failed`) and subscribed again after a pause; one that completes early ends the
 *   subscription for good, which is logged too (`topic.ended`).
 *
 * Throws INVALID_ARGUMENT (reason `invalid_options`).
 *
 * ```ts
 * actor(Billing, { invoice }, on(OrderPlaced, order$ => order$.pipe(pacedMap(bill))))
 * ```
 */
export function on<Out>(
  topic: TopicPattern<Out>,
  handler: (value$: Observable<Out>, context: TopicContext) => Observable<unknown>,
  options: OnValueOptions = {},
): TopicHandler {
  resolveOptions<{ ack: unknown }>('on', { ack: optional(oneOf('consumed', 'none')) }, { ack: options.ack })
  return onEvents(topic, (event$, context) => handler(event$.pipe(map(({ value }) => value)), context), options)
}

/** As {@link on}, for a handler that needs more of an event than its value: its id, its attempt, to acknowledge it. */
export function onEvents<Out>(
  topic: TopicPattern<Out>,
  handler: (event$: Observable<TopicEvent<Out>>, context: TopicContext) => Observable<unknown>,
  options: OnOptions = {},
): TopicHandler {
  const { queue, ...rest } = options
  resolveSubscribe(queue === false ? rest : { ...rest, ...(queue !== undefined && { queue }) }) // says now what is wrong
  return { topic, handle: handler as TopicHandler['handle'], options }
}
