import { defer, EMPTY, filter, ignoreElements, map, NEVER, Observable, of, Subject } from 'rxjs'
import { eventBus, type Actor, type Topic, type TopicHandler, type TopicPattern } from '../actors/index.js'
import { type Broker, type Event, topicMatcher } from '../broker/index.js'
import { messageOf, RpcError, silentLog } from '../core/index.js'
import { acknowledged, deliver } from '../streams/index.js'
import { valueOf } from './checked-diagram.js'
import type { LaneContext } from './lane-context.js'
import { laneDifference, laneOf } from './lane.js'
import type { MarbleValues } from './observable-kit.js'
import { invalidMarbles, parseMarbles } from './virtual-time.js'

/** The lanes of an actor's handler of a topic. */
export interface TopicLanes {
  /**
   * The events that the handler gets, one a letter, each as a first attempt: what fails does not come again here. Letters
   * are lower case. `|` ends its input, as a service does that stops; `#` fails it, as a broker may.
   */
  events(diagram: string, values?: MarbleValues<unknown>, error?: unknown): void
  /** Runs the handler, and expects when its result ends: with `|`, or with `#`, which is `error`. */
  expectEnd(diagram: string, error?: unknown): void
  /** Expects when events are acknowledged: their letters, in upper case for those that come again or are rejected. */
  expectAcks(diagram: string): void
  /** Expects what the handler publishes to another topic. */
  expectPublished<In>(topic: Topic<In, unknown>, diagram: string, values?: MarbleValues<In>): void
}

interface Published {
  readonly topic: string
  readonly value: unknown
}

/** The lanes of the handler that `actor` has for `topic`. */
export function topicLanes<In>(actor: Actor, topic: Topic<In, unknown>, context: LaneContext): TopicLanes {
  const { kit, time, expectations } = context
  const handler = handlerOf(actor, topic)
  const published = new Subject<Published>()
  const acks: (readonly [number, string])[] = []
  let event$: Observable<Event> | undefined
  let isRun = false
  return {
    events(diagram, values, error) {
      if (/\p{Lu}/u.test(diagram)) throw invalidMarbles(diagram, 'letters of events are lower case')
      expectations.expectNoneLeft(`${topic.name}: no handler runs`, () =>
        isRun ? undefined : 'the events are drawn, and nothing handles them: expectEnd does',
      )
      const arriving = (letter: string): Arriving => {
        const value = valueOf(letter, values) as In
        return {
          event: { id: letter, topic: topic.name, message: messageOf(value), key: topic.key?.(value) },
          at: time.frame,
          settled: isAcked => acks.push([time.frame, isAcked ? letter : letter.toUpperCase()]),
        }
      }
      event$ = kit.cold(diagram, undefined, error).pipe(map(arriving), delivering(handler.options.ack))
    },
    expectEnd(diagram, error) {
      if (event$ === undefined) throw misplaced(`${topic.name}: events come before expectEnd`)
      isRun = true
      const bus = eventBus(brokerOf(event$, published), { runtime: kit.runtime, log: silentLog })
      const { ack = 'consumed' } = handler.options
      const surroundings = { service: actor.contract.name, bus, runtime: kit.runtime }
      const result$ = defer(() => handler.handle(bus.events(handler.topic, { ack }), surroundings))
      kit.expectObservable(result$.pipe(ignoreElements())).toBe(diagram, undefined, error)
    },
    expectAcks(diagram) {
      const expected = laneOf(parseMarbles(diagram).map(({ frame, letter }) => [frame, letter]))
      expectations.expect('acks', () => laneDifference(expected, laneOf(acks)))
    },
    expectPublished(other, diagram, values) {
      const value$ = published.pipe(
        filter(({ topic: name }) => name === other.name),
        map(({ value }) => value),
      )
      kit.expectObservable(value$).toBe(diagram, values)
    },
  }
}

interface Arriving {
  readonly event: Pick<Event, 'id' | 'topic' | 'message' | 'key'>
  readonly at: number
  readonly settled: (isAcked: boolean) => void
}

function handlerOf(actor: Actor, topic: TopicPattern<unknown>): TopicHandler {
  const handler = actor.topics.find(({ topic: pattern }) => topicMatcher(pattern.name)(topic.name))
  if (handler !== undefined) return handler
  const known = actor.topics.map(({ topic: { name } }) => name).join(', ')
  throw misplaced(`given: ${actor.contract.name} has no handler of ${topic.name}, known are ${known}`)
}

/** Delivers events as a broker does, each once. */
function delivering(ack: TopicHandler['options']['ack']): (source: Observable<Arriving>) => Observable<Event> {
  const byHand = (settle: () => void): void => {
    if (ack === 'manual') return settle()
    throw new RpcError(
      'FAILED_PRECONDITION',
      "events of a handler without ack: 'manual' are acknowledged by consumption",
      {
        reason: 'ack_not_manual',
      },
    )
  }
  const next = (subscriber: { next(event: Event): void }, { event, at, settled }: Arriving): void => {
    let isSettled = false
    const settle = (isAcked: boolean): void => {
      if (!isSettled) settled(isAcked)
      isSettled = true
    }
    const given: Event = {
      ...event,
      attempt: 1,
      publishedAt: at,
      ack: () => byHand(() => settle(true)),
      nak: () => byHand(() => settle(false)),
      reject: () => byHand(() => settle(false)),
    }
    const isConsumed = ack === undefined || ack === 'consumed'
    deliver(subscriber, given, isConsumed ? acknowledged(error => settle(error === undefined)) : () => {})
  }
  return source =>
    new Observable(subscriber =>
      source.subscribe({
        next: arriving => next(subscriber, arriving),
        error: error => subscriber.error(error),
        complete: () => subscriber.complete(),
      }),
    )
}

/** A broker that has the events, and remembers what is published. */
function brokerOf(event$: Observable<Event>, published: Subject<Published>): Broker {
  return {
    name: 'marbles',
    status$: NEVER,
    deadLetters: { added$: NEVER, list: () => EMPTY, replay: () => EMPTY, drop: () => EMPTY },
    publish: (topic, { body }, { id = 'id' } = {}) =>
      defer(() => {
        published.next({ topic, value: body })
        return of({ topic, id })
      }),
    subscribe: () => event$,
  }
}

function misplaced(message: string): RpcError {
  return new RpcError('FAILED_PRECONDITION', `marbles: ${message}`, { reason: 'invalid_marbles' })
}
