import type { Broker, Event, SubscribeOptions } from 'millrace/broker'
import { messageOf, type RpcError } from 'millrace/core'
import { hold, type Release } from 'millrace/streams'
import { lastValueFrom, map, type Observable, Subscription, take, tap } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { eventually } from '../support/deadline.js'

/** A broker under test. */
export interface BrokerFixture {
  readonly broker: Broker
  /** Time within which what was published arrives, ms; a check that waits longer has failed. */
  readonly patienceMs: number
  /** Resolves when the broker knows of every subscription made so far. */
  readonly ready: () => Promise<void>
  /** Ends what was made for it. */
  readonly close: () => Promise<void>
}

/** What not every broker can do. */
export interface BrokerCapabilities {
  /** Members of a queue group share messages. */
  readonly queueGroups: boolean
  /** What is not acknowledged comes again. */
  readonly redelivery: boolean
  /** `*` and `>` in the topics of subscribers. */
  readonly wildcards: boolean
}

/** One fact about a broker; rejects when it is not so. */
export interface BrokerCheck {
  readonly title: string
  /** What the broker must be capable of for the fact to be expected. */
  readonly needs?: keyof BrokerCapabilities
  readonly run: (bench: BrokerBench) => Promise<void>
}

/** A broker at work on topics that no other check uses. */
export interface BrokerBench {
  readonly broker: Broker
  /** A word for topics. */
  readonly word: string
  /** Subscribes, records what arrives and waits until the broker knows of it. */
  readonly listen: (topic: string, options?: SubscribeOptions, through?: Through) => Promise<Listener>
  /** Publishes bodies one after the other. */
  readonly publish: (topic: string, ...bodies: readonly unknown[]) => Promise<void>
  /** Waits until `condition` holds. */
  readonly until: (condition: () => boolean) => Promise<void>
}

/** What a listener does with its events. */
export type Through = (events: Observable<Event>) => Observable<Event>

/** A subscription and what has come of it. */
export interface Listener {
  readonly events: readonly Event[]
  /** The bodies of the events. */
  readonly bodies: readonly unknown[]
  readonly subscription: Subscription
}

/** Everything that the contract of `Broker` says, as checks. */
export const brokerChecks: readonly BrokerCheck[] = [
  {
    title: 'answers publish with one receipt and completes',
    async run({ broker, word }) {
      const receipts = await Promise.all([
        lastValueFrom(broker.publish(word, messageOf(1))),
        lastValueFrom(broker.publish(word, messageOf(2))),
      ])

      expect(receipts.map(({ topic }) => topic)).toEqual([word, word])
      expect(new Set(receipts.map(({ id }) => id)).size).toBe(2)
    },
  },
  {
    title: 'publishes when subscribed, not before',
    async run({ broker, word, listen, publish, until }) {
      const listener = await listen(word)

      broker.publish(word, messageOf('never'))
      await publish(word, 'last')

      await until(() => listener.bodies.includes('last'))
      expect(listener.bodies).toEqual(['last'])
    },
  },
  {
    title: 'gives every subscriber the whole event',
    async run({ broker, word, listen, until }) {
      const message = { header: messageOf(0).header, body: { words: 3 } }
      const listeners = [await listen(word), await listen(word)]

      const { id } = await lastValueFrom(broker.publish(word, message))

      await until(() => listeners.every(({ events }) => events.length > 0))
      for (const { events } of listeners) {
        expect(events).toHaveLength(1)
        expect(events[0]).toMatchObject({ id, topic: word, message, attempt: 1, publishedAt: expect.any(Number) })
      }
    },
  },
  {
    title: 'keeps topics apart',
    async run({ word, listen, publish, until }) {
      const listener = await listen(`${word}.a`)

      await publish(`${word}.b`, 'other')
      await publish(`${word}.a.b`, 'longer')
      await publish(word, 'shorter')
      await publish(`${word}.a`, 'own')

      await until(() => listener.bodies.includes('own'))
      expect(listener.bodies).toEqual(['own'])
    },
  },
  {
    title: 'keeps the order of publication',
    async run({ word, listen, publish, until }) {
      const listener = await listen(word)
      const bodies = Array.from({ length: 300 }, (_, index) => index)

      await publish(word, ...bodies)

      await until(() => listener.events.length >= bodies.length)
      expect(listener.bodies).toEqual(bodies)
    },
  },
  {
    title: 'runs no subscriber before publish returns',
    async run({ broker, word, listen, until }) {
      let inside = false
      const seen: boolean[] = []
      const listener = await listen(word, {}, tap({ next: () => void seen.push(inside) }))

      inside = true
      broker.publish(word, messageOf(1)).subscribe()
      inside = false

      await until(() => listener.events.length > 0)
      expect(seen).toEqual([false])
    },
  },
  {
    title: 'refuses to publish to what is no topic',
    async run({ broker, word }) {
      for (const topic of ['', '.', `${word}.`, `${word}..a`, `${word} a`, `${word}.*`, '>', 'ü', 'a'.repeat(256)]) {
        expect(await failure(broker.publish(topic, messageOf(1))), topic).toMatchObject(INVALID_TOPIC)
      }
    },
  },
  {
    title: 'refuses to subscribe to what is no topic',
    async run({ broker, word }) {
      for (const topic of ['', '.', `${word}.>.a`, `${word}.a*`, '>>', 'a b', 'a'.repeat(256)]) {
        expect(await failure(broker.subscribe(topic)), topic).toMatchObject(INVALID_TOPIC)
      }
    },
  },
  {
    title: 'refuses wrong options and names each',
    async run({ broker, word }) {
      const options = { window: 0, ack: 'never', queue: '' } as unknown as SubscribeOptions

      const error = await failure(broker.subscribe(word, options))

      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_options' })
      for (const name of Object.keys(options)) expect(error.message).toContain(name)
    },
  },
  {
    title: 'keeps an error of one subscriber from others',
    async run({ word, listen, publish, until }) {
      const broken = await listen(word, {}, map(fails))
      const listener = await listen(word)

      await publish(word, 1, 2, 3)

      await until(() => listener.events.length >= 3)
      expect(broken.subscription.closed).toBe(true)
      expect(listener.bodies).toEqual([1, 2, 3])
    },
  },
  {
    title: 'gives at most a window of held messages',
    async run({ word, listen, publish, until }) {
      const releases: (Release | undefined)[] = []
      const holder = await listen(word, { window: 2 }, tap({ next: () => void releases.push(hold()) }))
      const witness = await listen(word)

      await publish(word, 1, 2, 3, 4)
      await until(() => witness.events.length >= 4 && holder.events.length >= 2)
      const first = [...holder.bodies]
      releases[0]?.()
      await until(() => holder.events.length >= 3)

      expect([first, holder.bodies]).toEqual([
        [1, 2],
        [1, 2, 3],
      ])
      holder.subscription.unsubscribe()
      for (const release of releases) release?.()
    },
  },
  {
    title: 'matches one word with a star',
    needs: 'wildcards',
    async run({ word, listen, publish, until }) {
      const listener = await listen(`${word}.*.done`)

      await publish(`${word}.done`, 'too short')
      await publish(`${word}.a.b.done`, 'too long')
      await publish(`${word}.a.failed`, 'other')
      await publish(`${word}.a.done`, 'a')
      await publish(`${word}.b.done`, 'b')

      await until(() => listener.events.length >= 2)
      expect(listener.bodies).toEqual(['a', 'b'])
      expect(listener.events.map(({ topic }) => topic)).toEqual([`${word}.a.done`, `${word}.b.done`])
    },
  },
  {
    title: 'matches one or more last words with >',
    needs: 'wildcards',
    async run({ word, listen, publish, until }) {
      const listener = await listen(`${word}.>`)

      await publish(word, 'too short')
      await publish(`${word}x.a`, 'other')
      await publish(`${word}.a`, 'one')
      await publish(`${word}.a.b`, 'two')

      await until(() => listener.events.length >= 2)
      expect(listener.bodies).toEqual(['one', 'two'])
    },
  },
  {
    title: 'gives each message to one member of a queue',
    needs: 'queueGroups',
    async run({ word, listen, publish, until }) {
      const members = [await listen(word, { queue: 'q' }), await listen(word, { queue: 'q' })]
      const witness = await listen(word)
      const received = () => members.flatMap(({ bodies }) => bodies)

      await publish(word, ...Array.from({ length: 40 }, (_, index) => index))
      await until(() => received().length >= 40 && witness.events.length >= 40)

      expect(new Set(received()).size).toBe(received().length)
      expect(received()).toHaveLength(40)
    },
  },
  {
    title: 'gives every member of a queue its share',
    needs: 'queueGroups',
    async run({ word, listen, publish, until }) {
      const members = [await listen(word, { queue: 'q' }), await listen(word, { queue: 'q' })]

      await publish(word, ...Array.from({ length: 100 }, (_, index) => index))

      await until(() => members.every(({ events }) => events.length > 0))
    },
  },
  {
    title: 'gives every queue and plain subscriber each message',
    needs: 'queueGroups',
    async run({ word, listen, publish, until }) {
      const listeners = [await listen(word, { queue: 'q' }), await listen(word, { queue: 'r' }), await listen(word)]

      await publish(word, 1, 2, 3)

      await until(() => listeners.every(({ events }) => events.length >= 3))
      for (const { bodies } of listeners) expect(bodies).toEqual([1, 2, 3])
    },
  },
  {
    title: 'takes one queue name on two topics for two queues',
    needs: 'queueGroups',
    async run({ word, listen, publish, until }) {
      const first = await listen(`${word}.a`, { queue: 'q' })
      const second = await listen(`${word}.b`, { queue: 'q' })

      await publish(`${word}.a`, 'a')
      await publish(`${word}.b`, 'b')

      await until(() => first.events.length >= 1 && second.events.length >= 1)
      expect([first.bodies, second.bodies]).toEqual([['a'], ['b']])
    },
  },
  {
    title: 'gives nothing to a member that has left',
    needs: 'queueGroups',
    async run({ word, listen, publish, until }) {
      const [leaver, stayer] = [await listen(word, { queue: 'q' }), await listen(word, { queue: 'q' })]

      leaver.subscription.unsubscribe()
      await publish(word, 1, 2, 3, 4)

      await until(() => stayer.events.length >= 4)
      expect(stayer.bodies).toEqual([1, 2, 3, 4])
    },
  },
  {
    title: 'delivers again what is released with an error',
    needs: 'redelivery',
    async run({ word, listen, publish, until }) {
      const failFirst = tap<Event>(({ attempt }) => {
        const release = hold()
        release?.(attempt === 1 ? new Error('not done') : undefined)
      })
      const listener = await listen(word, {}, failFirst)

      await publish(word, 'work')

      await until(() => listener.events.length >= 2)
      expect(listener.events.map(({ attempt }) => attempt)).toEqual([1, 2])
      expect(new Set(listener.events.map(({ id }) => id)).size).toBe(1)
    },
  },
  {
    title: 'does not deliver again what is consumed',
    needs: 'redelivery',
    async run({ word, listen, publish, until }) {
      const [first, second] = [await listen(word, { queue: 'q' }), await listen(word, { queue: 'q' })]
      await publish(word, 1, 2)
      await until(() => first.events.length + second.events.length >= 2)

      const left = first.events.length > 0 ? first : second
      const other = left === first ? second : first
      left.subscription.unsubscribe()
      await publish(word, 'last')

      await until(() => other.bodies.includes('last'))
      expect(other.events.map(({ attempt }) => attempt)).toEqual(other.events.map(() => 1))
    },
  },
  {
    title: 'delivers again when a subscription ends inside next',
    needs: 'redelivery',
    async run({ word, listen, publish, until }) {
      const taker = await listen(word, { queue: 'q' }, take(1))
      await publish(word, 'work')
      const member = await listen(word, { queue: 'q' })

      await until(() => taker.events.length + member.events.length >= 2)
      expect([taker.bodies, member.bodies]).toEqual([['work'], ['work']])
      expect(member.events[0]?.attempt).toBe(2)
    },
  },
  {
    title: 'lets holders finish when a subscription has ended',
    needs: 'redelivery',
    async run({ word, listen, publish, until }) {
      const releases: (Release | undefined)[] = []
      const leaver = await listen(word, { queue: 'q' }, tap({ next: () => void releases.push(hold()) }))
      await publish(word, 'done later', 'failed later')
      await until(() => leaver.events.length >= 2)
      const member = await listen(word, { queue: 'q' })

      leaver.subscription.unsubscribe()
      releases[0]?.()
      releases[1]?.(new Error('not done'))

      await until(() => member.events.length >= 1)
      await publish(word, 'last')
      await until(() => member.bodies.includes('last'))
      expect(member.bodies).toEqual(['failed later', 'last'])
    },
  },
  {
    title: 'delivers again after nak',
    needs: 'redelivery',
    async run({ word, listen, publish, until }) {
      const nakFirst = tap<Event>(event => {
        if (event.attempt === 1) event.nak(0)
        event.ack() // does nothing after a nak
      })
      const listener = await listen(word, { ack: 'manual', window: 1 }, nakFirst)

      await publish(word, 1, 2)

      await until(() => listener.events.length >= 4)
      const attempts = (body: number) => listener.events.filter(({ message }) => message.body === body)
      for (const body of [1, 2]) expect(attempts(body).map(({ attempt }) => attempt)).toEqual([1, 2])
    },
  },
  {
    title: 'gives a manual subscriber no more before it acks',
    needs: 'redelivery',
    async run({ word, listen, publish, until }) {
      const listener = await listen(word, { ack: 'manual', window: 1 })
      const witness = await listen(word)

      await publish(word, 1, 2)
      await until(() => witness.events.length >= 2 && listener.events.length >= 1)
      const before = listener.events.length
      listener.events[0]?.ack()

      await until(() => listener.events.length >= 2)
      expect(before).toBe(1)
    },
  },
  {
    title: 'passes on what was not acked when its subscriber left',
    needs: 'redelivery',
    async run({ word, listen, publish, until }) {
      const leaver = await listen(word, { queue: 'q', ack: 'manual' })
      await publish(word, 'acked', 'open')
      await until(() => leaver.events.length >= 2)
      const member = await listen(word, { queue: 'q' })

      leaver.events[0]?.ack()
      leaver.subscription.unsubscribe()
      leaver.events[1]?.nak(0) // too late
      await publish(word, 'last')

      await until(() => member.bodies.includes('last'))
      expect(member.events.map(({ message, attempt }) => [message.body, attempt])).toEqual([
        ['open', 2],
        ['last', 1],
      ])
    },
  },
  {
    title: 'refuses ack and nak of events that consumption acks',
    async run({ word, listen, publish, until }) {
      const listener = await listen(word)
      await publish(word, 1)
      await until(() => listener.events.length >= 1)

      const refused = expect.objectContaining({ code: 'FAILED_PRECONDITION', reason: 'ack_not_manual' })
      expect(() => listener.events[0]?.ack()).toThrow(refused)
      expect(() => listener.events[0]?.nak()).toThrow(refused)
    },
  },
]

/** Runs the checks as specs; those that need a missing capability are shown as skipped. */
export function testBroker(name: string, setup: () => Promise<BrokerFixture>, capabilities: BrokerCapabilities): void {
  describe(`${name} as a Broker`, () => {
    for (const check of brokerChecks) {
      const missing = check.needs !== undefined && !capabilities[check.needs]
      it.skipIf(missing)(check.title, async () => runBrokerCheck(check, await setup()))
    }
  })
}

/** Runs one check and closes the fixture, whatever comes of it. */
export async function runBrokerCheck(check: BrokerCheck, fixture: BrokerFixture): Promise<void> {
  const subscriptions = new Subscription()
  try {
    await check.run(benchOf(fixture, subscriptions))
  } finally {
    subscriptions.unsubscribe()
    await fixture.close()
  }
}

const INVALID_TOPIC = { code: 'INVALID_ARGUMENT', reason: 'invalid_topic' } as const
let words = 0

function benchOf({ broker, patienceMs, ready }: BrokerFixture, subscriptions: Subscription): BrokerBench {
  return {
    broker,
    word: `check-${process.pid}-${++words}`,
    until: condition => eventually(condition, patienceMs, String(condition)),
    async listen(topic, options, through = events => events) {
      const events: Event[] = []
      const bodies: unknown[] = []
      const subscription = through(broker.subscribe(topic, options)).subscribe({
        next: event => {
          events.push(event)
          bodies.push(event.message.body)
        },
        error: () => {}, // shows as a closed subscription
      })
      subscriptions.add(subscription)
      await ready()
      return { events, bodies, subscription }
    },
    async publish(topic, ...bodies) {
      for (const body of bodies) await lastValueFrom(broker.publish(topic, messageOf(body)))
    },
  }
}

/** The error that `source` ends with. */
function failure(source: Observable<unknown>): Promise<RpcError> {
  return new Promise((resolve, reject) => {
    const accepted = (what: string) => () => reject(new Error(`expected an error, got ${what}`))
    source.subscribe({ next: accepted('a value'), error: resolve, complete: accepted('completion') }).unsubscribe()
    accepted('nothing')()
  })
}

function fails(): never {
  throw new Error('a subscriber that fails')
}
