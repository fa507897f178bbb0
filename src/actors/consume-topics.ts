import {
  defer,
  ignoreElements,
  merge,
  Observable,
  ReplaySubject,
  retry,
  takeUntil,
  tap,
  timer,
  type MonoTypeOperatorFunction,
} from 'rxjs'
import type { Broker, SubscribeOptions } from '../broker/index.js'
import { limitedLog, type Log, RpcError, type Runtime } from '../core/index.js'
import { redeliver } from '../streams/index.js'
import type { Actor } from './actor.js'
import { eventBus } from './event-bus.js'
import type { TopicContext, TopicHandler } from './topic-handler.js'
import type { TopicEvent } from './topic-event.js'

/** What topics are consumed with. */
export interface ConsumeOptions {
  /** Whose handlers run. */
  readonly actors: readonly Actor[]
  /** Name of the service; without it each contract is a service. */
  readonly name: string | undefined
  /** Where the events come from. */
  readonly broker: Broker
  /** Time of the pauses. */
  readonly runtime: Runtime
  /** Hears of handlers that fail. */
  readonly log: Log
  /** Emits when no more events are to be taken. */
  readonly drain$: Observable<unknown>
}

/** First pause after a handler has failed, ms; it doubles. */
const FIRST_PAUSE_MS = 100
/** Longest pause, ms; a handler that ran for longer begins with the first pause again. */
const MAX_PAUSE_MS = 30_000

/** Lets the actors have their topics, and completes when `drain$` has emitted and the last handler has ended. */
export function consumeTopics(options: ConsumeOptions): Observable<never> {
  const { actors, broker, runtime, name } = options
  const log = limitedLog(options.log, runtime)
  const bus = eventBus(broker, { runtime, log })
  return new Observable(subscriber => {
    const drain$ = new ReplaySubject<unknown>(1) // who begins again later hears of it too
    let draining = false
    subscriber.add(drain$.subscribe(() => (draining = true)))
    subscriber.add(options.drain$.subscribe(drain$))
    const consumed = actors.flatMap(({ contract, topics }) => {
      const context = { service: name ?? contract.name, bus, runtime }
      return topics.map(handler => consumeTopic(handler, context, { log, drain$, isDraining: () => draining }))
    })
    return merge(...consumed).subscribe(subscriber)
  })
}

interface Surroundings {
  readonly log: Log
  readonly drain$: Observable<unknown>
  readonly isDraining: () => boolean
}

function consumeTopic(
  { topic, handle, options }: TopicHandler,
  context: TopicContext,
  { log, drain$, isDraining }: Surroundings,
): Observable<never> {
  const { service, bus, runtime } = context
  const { scheduler } = runtime
  const what = `${service}: ${topic.name}`
  const subscribeOptions = subscriptionOf(options, service)
  let startedAt = 0
  let pauseMs = 0
  const failed = (thrown: unknown): Observable<0> => {
    pauseMs = scheduler.now() - startedAt > MAX_PAUSE_MS ? FIRST_PAUSE_MS : nextPause(pauseMs)
    const error = RpcError.from(thrown)
    const next = isDraining() ? 'while the service stops' : `subscribed again in ${pauseMs} ms`
    log({
      level: 'error',
      event: 'topic.failed',
      message: `${what} failed, ${next}: ${error.message}`,
      fields: { service, topic: topic.name, error },
    })
    return timer(pauseMs, scheduler).pipe(takeUntil(drain$))
  }
  const ended = (): void => {
    if (isDraining()) return
    const message = `${what} is not consumed any more: its handler has completed`
    log({ level: 'warn', event: 'topic.ended', message, fields: { service, topic: topic.name } })
  }
  return defer(() => {
    startedAt = scheduler.now()
    const event$ = bus.events(topic, subscribeOptions).pipe(takeUntil(drain$), reportFailures(what, log))
    return handle(event$, context)
  }).pipe(retry({ delay: failed }), ignoreElements(), tap({ complete: ended }))
}

function nextPause(pauseMs: number): number {
  return Math.min(MAX_PAUSE_MS, pauseMs * 2 || FIRST_PAUSE_MS)
}

function subscriptionOf({ queue, ...rest }: TopicHandler['options'], service: string): SubscribeOptions {
  return queue === false ? rest : { ...rest, queue: queue ?? service }
}

/** Logs what events are released with: the broker keeps it from the handler's stream, and tells when it gives up. */
function reportFailures(what: string, log: Log): MonoTypeOperatorFunction<TopicEvent<unknown>> {
  const report = ({ id, attempt }: TopicEvent<unknown>, thrown: unknown): void => {
    const error = RpcError.from(thrown)
    if (error.reason === 'unfinished') return // its stream has ended, and says why
    log({
      level: 'warn',
      event: 'topic.not_processed',
      message: `${what}: message ${id}, attempt ${attempt}: ${error.message}`,
      fields: { id, attempt, error },
    })
  }
  return source =>
    new Observable(subscriber =>
      source.subscribe({
        next: event =>
          redeliver(subscriber, event, error => {
            if (error !== undefined) report(event, error)
          }),
        error: error => subscriber.error(error),
        complete: () => subscriber.complete(),
      }),
    )
}
