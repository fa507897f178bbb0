import { defer, filter, map, type Observable, throwError } from 'rxjs'
import type { Broker, Event, PublishOptions, Receipt, SubscribeOptions } from '../broker/index.js'
import {
  consoleLog,
  emptyHeader,
  fn,
  having,
  header,
  limitedLog,
  type Log,
  optional,
  resolveOptions,
  RpcError,
  type Runtime,
  systemRuntime,
} from '../core/index.js'
import { stalledTo } from '../streams/index.js'
import { checkEach } from './check-each.js'
import { schemaCheck, type Refusal, type SchemaCheck } from './schema-check.js'
import type { Topic, TopicPattern } from './topic.js'
import { topicEvent, type TopicEvent } from './topic-event.js'

/** Options of {@link eventBus}. */
export interface EventBusOptions {
  /** Time for the `stalled` event of asynchronous schemas. @default systemRuntime() */
  readonly runtime?: Runtime
  /** Hears of values that are refused where nobody else does: with `ack: 'none'`. @default consoleLog */
  readonly log?: Log
}

/** Options of {@link EventBus.publish}. */
export interface TopicPublishOptions extends PublishOptions {
  /** Key of the message. @default what the topic's `key` gives */
  readonly key?: string
  /** Names and values beside the message; `undefined` values are left out. @default none */
  readonly header?: { readonly [name: string]: string | undefined }
}

/** Options of {@link EventBus.subscribe}: those of a broker, but that values cannot be acknowledged by hand. */
export interface TopicSubscribeOptions extends SubscribeOptions {
  /** As {@link SubscribeOptions.ack}; for `manual` take {@link EventBus.events}. @default 'consumed' */
  readonly ack?: 'consumed' | 'none'
}

/**
 * Topics with types over a broker, whose guarantees hold.
 *
 * 1. Values are checked once, at the subscriber; publishers give what the schema takes.
 * 2. A value that its schema refuses is not emitted: it is a dead letter at once (INVALID_ARGUMENT, reason `unprocessable`,
 *    with the path of each refused part), and the subscription goes on. With `ack: 'none'` it is logged as `topic.refused`.
 * 3. A schema that throws, instead of refusing, says nothing about the value: it counts as not processed and comes again.
 */
export interface EventBus {
  /** Publishes `value` when subscribed: one receipt, and completion, when the broker has it. */
  publish<In>(topic: Topic<In, unknown>, value: NoInfer<In>, options?: TopicPublishOptions): Observable<Receipt>
  /** The values of a topic, acknowledged when they are consumed. */
  subscribe<Out>(topic: TopicPattern<Out>, options?: TopicSubscribeOptions): Observable<Out>
  /** The values of a topic with all that is known of each. */
  events<Out>(topic: TopicPattern<Out>, options?: SubscribeOptions): Observable<TopicEvent<Out>>
}

/** The topics of `broker`. It keeps nothing: there may be any number for one broker. */
export function eventBus(broker: Broker, options?: EventBusOptions): EventBus {
  const { runtime, log } = resolveOptions<Required<EventBusOptions>>(
    'eventBus',
    {
      runtime: optional(having<Runtime>('scheduler'), systemRuntime()),
      log: optional(fn<Log>(), consoleLog),
    },
    options,
  )
  return new BrokerEventBus(broker, runtime, limitedLog(log, runtime))
}

class BrokerEventBus implements EventBus {
  private readonly broker: Broker
  private readonly runtime: Runtime
  private readonly log: Log

  constructor(broker: Broker, runtime: Runtime, log: Log) {
    this.broker = broker
    this.runtime = runtime
    this.log = log
  }

  publish<In>(topic: Topic<In, unknown>, value: In, options: TopicPublishOptions = {}): Observable<Receipt> {
    return defer(() => {
      const { header: entries, ...rest } = options
      const key = options.key ?? topic.key?.(value)
      const message = { header: entries === undefined ? emptyHeader : header(entries), body: value }
      return this.broker.publish(topic.name, message, key === undefined ? rest : { ...rest, key })
    })
  }

  subscribe<Out>(topic: TopicPattern<Out>, options?: TopicSubscribeOptions): Observable<Out> {
    if ((options as SubscribeOptions | undefined)?.ack === 'manual') return throwError(notByHand)
    return this.events(topic, options).pipe(map(event => event.value))
  }

  events<Out>(topic: TopicPattern<Out>, options?: SubscribeOptions): Observable<TopicEvent<Out>> {
    const { log, runtime } = this
    const event$ = this.broker.subscribe(topic.name, options)
    const check = schemaCheck(topic.schema, refusalOf(topic.name))
    const place = { name: topic.name, onStalled: stalledTo(log), runtime }
    const checked$ =
      check === undefined
        ? event$.pipe(map(event => topicEvent(event, event.message.body)))
        : event$.pipe(checkEach(this.checkOf(check, options?.ack ?? 'consumed'), place), filter(isEvent))
    return checked$ as Observable<TopicEvent<Out>>
  }

  /** Checks an event. Where consumption acknowledges, what it throws does so; elsewhere a refused event is settled here. */
  private checkOf(check: SchemaCheck, ack: NonNullable<SubscribeOptions['ack']>): SchemaCheck {
    const refused = (event: Event, error: unknown): undefined => {
      if (ack === 'consumed') throw error
      if (ack === 'none') this.refused(event, error)
      else if (RpcError.is(error) && error.reason === 'unprocessable') event.reject(error)
      else event.nak()
    }
    return value => {
      const event = value as Event
      try {
        const checked = check(event.message.body)
        return checked instanceof Promise
          ? checked.then(
              (result: unknown) => topicEvent(event, result),
              error => refused(event, error),
            )
          : topicEvent(event, checked)
      } catch (error) {
        return refused(event, error)
      }
    }
  }

  private refused({ id, topic }: Event, error: unknown): void {
    this.log({
      level: 'warn',
      event: 'topic.refused',
      message: `message ${id} of ${topic} is left out: ${RpcError.from(error).message}`,
      fields: { id, topic, error },
    })
  }
}

function isEvent(event: unknown): boolean {
  return event !== undefined
}

function refusalOf(topic: string): Refusal {
  return (what, details) =>
    new RpcError('INVALID_ARGUMENT', `${topic} refuses the message: ${what}`, { reason: 'unprocessable', details })
}

function notByHand(): RpcError {
  const message = "subscribe: ack: 'manual' needs events to call ack of; they are what events(topic, options) gives"
  return new RpcError('INVALID_ARGUMENT', message, { reason: 'invalid_options' })
}
