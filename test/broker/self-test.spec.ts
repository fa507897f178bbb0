import { AssertionError } from 'node:assert/strict'
import { type Broker, type DeadLetter, type Event, memoryBroker, type SubscribeOptions } from 'millrace/broker'
import { silentLog } from 'millrace/core'
import { deliver, hold, outside } from 'millrace/streams'
import { bufferCount, concatMap, EMPTY, map, NEVER, Observable, of, Subject, takeUntil, takeWhile, tap } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { brokerChecks, runCheck } from 'millrace/testing/compliance'

type Break = (broker: Broker) => Partial<Broker>

/** Changes what every subscriber gets. */
function events(change: (events: Observable<Event>, topic: string) => Observable<Event>): Break {
  return broker => ({ subscribe: (topic, options) => change(broker.subscribe(topic, options), topic) })
}

/** Changes the options of every subscriber. */
function options(change: (options: SubscribeOptions) => SubscribeOptions): Break {
  return broker => ({ subscribe: (topic, given = {}) => broker.subscribe(topic, change(given)) })
}

/** An event with some members replaced. */
function changed(event: Event, members: Partial<Event>): Event {
  return {
    ...event,
    ack: () => event.ack(),
    nak: delayMs => event.nak(delayMs),
    reject: error => event.reject(error),
    ...members,
  }
}

/** Lists dead letters that are not as they are. */
function letters(change: (letter: DeadLetter) => DeadLetter): Break {
  return broker => ({
    deadLetters: {
      ...methodsOf(broker).deadLetters,
      list: filter => broker.deadLetters.list(filter).pipe(map(change)),
    },
  })
}

/** Acknowledges on arrival, whatever becomes of the message. */
const acksOnArrival = events(
  source => new Observable(subscriber => source.subscribe(event => outside(() => subscriber.next(event)))),
)

/** Never acknowledges what is consumed, so that it comes again when its subscriber leaves. */
const neverAcks = options(given => ({ ...given, ack: 'manual' }))

/** Counts a message as given up when its subscriber has left. */
const dropsOnLeave: Break = broker => ({
  subscribe: (topic, given) =>
    new Observable(subscriber => {
      const { ack = 'consumed' } = given ?? {}
      broker.subscribe(topic, { ...given, ack: 'manual' }).subscribe(event => {
        if (subscriber.closed) return
        if (ack === 'manual') subscriber.next(event)
        else deliver(subscriber, event, error => (subscriber.closed || !error ? event.ack() : event.nak(0)))
      })
    }),
})

/** Does not let messages of one key wait for each other. */
const unordered = options(given => ({ ...given, ordered: false }))

/** Does not say that an error has reached it. */
const leavesErrorsToOthers = events(
  source =>
    new Observable(subscriber =>
      source.subscribe(event => {
        const release = hold()
        outside(() => deliver(subscriber, event, error => release?.(error)))
      }),
    ),
)

const nobody = new Subject<Event>()
const ended = new Subject<void>()

/** Brokers that break the contract in one point, and the check that must notice. */
const broken: { readonly [title: string]: Break } = {
  'answers publish with one receipt and completes': broker => ({
    publish: (topic, message) => broker.publish(topic, message).pipe(map(receipt => ({ ...receipt, id: 'same' }))),
  }),
  'publishes when subscribed, not before': broker => ({
    publish(topic, message) {
      broker.publish(topic, message).subscribe()
      return broker.publish(topic, message)
    },
  }),
  'gives every subscriber the whole event': events(map(event => changed(event, { id: 'another' }))),
  'carries the header, the key and the id': events(map(event => changed(event, { key: undefined }))),
  'gives each message once with ack none': options(given => ({ ...given, ack: 'consumed' })),
  'says how the way to the broker is': () => ({ status$: of({ state: 'connected', server: 'mine' }) }),
  'keeps topics apart': broker => ({
    subscribe: (topic, given) => broker.subscribe(`${topic.split('.')[0]}.>`, given),
  }),
  'keeps the order of publication': events(source =>
    source.pipe(
      bufferCount(2),
      concatMap(pair => pair.toReversed()),
    ),
  ),
  'runs no subscriber before publish returns': broker => {
    const published = new Subject<Event>()
    return {
      subscribe: () => published,
      publish: (topic, message) =>
        broker.publish(topic, message).pipe(
          tap({
            subscribe: () =>
              published.next({
                id: '',
                topic,
                message,
                attempt: 1,
                publishedAt: 0,
                ack: () => {},
                nak: () => {},
                reject: () => {},
              }),
          }),
        ),
    }
  },
  'refuses to publish to what is no topic': () => ({ publish: () => EMPTY }),
  'refuses to subscribe to what is no topic': () => ({ subscribe: () => NEVER }),
  'refuses wrong options and names each': broker => ({ subscribe: topic => broker.subscribe(topic) }),
  'keeps an error of one subscriber from others': events(
    source =>
      new Observable(subscriber => {
        subscriber.add(source.pipe(takeUntil(ended)).subscribe(subscriber))
        return () => ended.next()
      }),
  ),
  'gives at most a window of held messages': options(given => ({ ...given, window: 1000 })),
  'matches one word with a star': broker => ({
    subscribe: (topic, given) => broker.subscribe(topic.replace(/\*.*/, '>'), given),
  }),
  'matches one or more last words with >': broker => ({
    subscribe: (topic, given) => broker.subscribe(topic.replace('>', '*'), given),
  }),
  'gives each message to one member of a queue': broker => ({ subscribe: topic => broker.subscribe(topic) }),
  'gives every member of a queue its share': broker => {
    let members = 0
    return { subscribe: (topic, given) => (members++ === 0 ? broker.subscribe(topic, given) : nobody) }
  },
  'gives every queue and plain subscriber each message': options(given => ({ ...given, queue: 'all' })),
  'takes one queue name on two topics for two queues': broker => {
    const topics = new Map<string | undefined, string>()
    return {
      subscribe(topic, given) {
        const first = topics.get(given?.queue) ?? topic
        topics.set(given?.queue, first)
        return broker.subscribe(first, given)
      },
    }
  },
  'gives nothing to a member that has left': broker => ({
    subscribe: (topic, given) =>
      new Observable(subscriber => {
        broker.subscribe(topic, given).subscribe(event => subscriber.next(event))
      }),
  }),
  'delivers again what is released with an error': acksOnArrival,
  'goes on behind a pacedMap that fails for one event': leavesErrorsToOthers,
  'does not deliver again what is consumed': neverAcks,
  'delivers again when a subscription ends inside next': dropsOnLeave,
  'lets holders finish when a subscription has ended': neverAcks,
  'delivers again after nak': events(map(event => changed(event, { nak: () => event.ack() }))),
  'gives a manual subscriber no more before it acks': events(tap(event => event.ack())),
  'passes on what was not acked when its subscriber left': events(tap(event => event.ack())),
  'refuses ack and nak of events that consumption acks': events(
    map(event => changed(event, { ack: () => {}, nak: () => {} })),
  ),
  'makes a dead letter of what is unprocessable at once': letters(letter => ({ ...letter, queue: undefined })),
  'makes a dead letter of what is rejected by hand': events(
    map(event => changed(event, { reject: () => event.ack() })),
  ),
  'makes a dead letter of what has failed too often': letters(letter => ({ ...letter, attempts: 1 })),
  'delivers others in order beside a poison message': events(
    source =>
      new Observable(subscriber => {
        let failed = false
        source.subscribe(event => {
          // What has failed keeps others waiting, as a queue does that has one place.
          if (failed && event.attempt === 1) return
          failed ||= event.message.body === 7
          subscriber.next(event)
        })
      }),
  ),
  'tells of each new dead letter': broker => ({
    deadLetters: { ...methodsOf(broker).deadLetters, added$: NEVER },
  }),
  'replays a dead letter to the group that gave it up': broker => ({
    deadLetters: {
      ...methodsOf(broker).deadLetters,
      replay: () =>
        broker.deadLetters.drop().pipe(tap(({ topic, message }) => broker.publish(topic, message).subscribe())),
    },
  }),
  'replays the oldest letters, at most max': broker => ({
    deadLetters: {
      ...methodsOf(broker).deadLetters,
      replay: options => broker.deadLetters.replay({ ...options, max: Infinity }),
    },
  }),
  'replays no letter more often than is asked for': broker => ({
    deadLetters: {
      ...methodsOf(broker).deadLetters,
      replay: options => broker.deadLetters.replay({ ...options, maxReplays: Infinity }),
    },
  }),
  'drops the dead letters that are meant': broker => ({
    deadLetters: { ...methodsOf(broker).deadLetters, drop: () => broker.deadLetters.drop() },
  }),
  'gives one message of a key at a time': unordered,
  'keeps the order of a key when a message fails': unordered,
  'goes on with a key after its dead letter': events(takeWhile(({ message }) => message.body !== 'a2')),
  'does not hold back one key for another': options(given => ({ ...given, window: 1 })),
  'begins with all messages and goes on': options(given => ({ ...given, from: 'new' })),
  'begins with the last messages': options(given => ({ ...given, from: 'all' })),
  'begins with a sequence': options(given => ({ ...given, from: 'all' })),
  'begins with a time': options(given => (given.from === undefined ? given : { ...given, from: 'all' })),
  'begins with new messages unless it is told otherwise': options(given => ({ from: 'all', ...given })),
  'replays nothing to a member of a known queue': options(({ from = 'new' }) => ({ from })),
  'takes an id once however often it is published': broker => ({
    publish: (topic, message) => broker.publish(topic, message),
  }),
  'refuses a wrong filter of dead letters': broker => ({
    deadLetters: { ...methodsOf(broker).deadLetters, drop: () => EMPTY },
  }),
}

describe('brokerChecks', () => {
  it.concurrent.each(brokerChecks)('fails a broker that breaks: $title', async check => {
    const change = broken[check.title]
    if (change === undefined) throw new Error(`no broken broker for "${check.title}"`)
    const broker = memoryBroker({ log: silentLog, backoffMs: [1], keep: 100 })
    const tried = { ...methodsOf(broker), ...change(broker) }

    const run = runCheck(check, { broker: tried, patienceMs: 100 })

    await expect(run).rejects.toThrow(AssertionError)
  })
})

function methodsOf(broker: Broker): Broker {
  return {
    name: 'broken',
    status$: broker.status$,
    deadLetters: {
      added$: broker.deadLetters.added$,
      list: filter => broker.deadLetters.list(filter),
      replay: options => broker.deadLetters.replay(options),
      drop: filter => broker.deadLetters.drop(filter),
    },
    publish: (topic, message, given) => broker.publish(topic, message, given),
    subscribe: (topic, given) => broker.subscribe(topic, given),
  }
}
