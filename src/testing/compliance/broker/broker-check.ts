import assert from 'node:assert/strict'
import { lastValueFrom, Subscription, toArray, type Observable } from 'rxjs'
import type { Broker, Event, PublishOptions, Receipt, SubscribeOptions } from '../../../broker/index.js'
import { type Message, messageOf, systemRuntime } from '../../../core/index.js'
import { PATIENCE_MS, type Check, type CheckSetup } from '../check.js'
import { eventually, within } from '../waiting.js'

/** A broker to be tried; checks may share it, for each uses topics of its own. */
export interface BrokerSetup extends CheckSetup {
  /** What is tried. */
  readonly broker: Broker
  /** Resolves when the broker knows of every subscription made so far. @default at once */
  readonly ready?: () => Promise<void>
  /** What topics begin with, a dot at its end, where the broker does not take all. @default nothing */
  readonly topicPrefix?: string
}

/**
 * What a broker may lack: `queueGroups`, that members of a queue group share messages; `redelivery`, that what is not
 * acknowledged comes again; `wildcards`, that subscribers use `*` and `>`; `replay`, that subscriptions begin with what was
 * published before them; `deduplication`, that an id is known when it is published a second time; `ordered`, that
 * messages of one key wait for each other.
 */
export type BrokerCapability = 'queueGroups' | 'redelivery' | 'wildcards' | 'replay' | 'deduplication' | 'ordered'

/** One fact about every broker. */
export type BrokerCheck = Check<BrokerSetup, BrokerCapability>

/** A broker at work on topics that no other check uses. */
export interface BrokerBench {
  /** What is tried. */
  readonly broker: Broker
  /** A word for topics. */
  readonly word: string
  /** Subscribes, records what arrives and waits until the broker knows of it. */
  readonly listen: (topic: string, options?: SubscribeOptions, through?: Through) => Promise<TopicListener>
  /** Publishes bodies one after the other, each when the one before has its receipt. */
  readonly publish: (topic: string, ...bodies: readonly unknown[]) => Promise<readonly Receipt[]>
  /** Publishes one message and gives its receipt. */
  readonly send: (topic: string, message: Message, options?: PublishOptions) => Promise<Receipt>
  /** Resolves when the broker knows of every subscription made so far. */
  readonly ready: () => Promise<void>
  /** Waits until `condition` holds. */
  readonly until: (condition: () => boolean) => Promise<void>
}

/** What a listener does with its events. */
export type Through = (events: Observable<Event>) => Observable<Event>

/** A subscription and what has come of it. */
export interface TopicListener {
  /** The events, in order. */
  readonly events: readonly Event[]
  /** The bodies of the events. */
  readonly bodies: readonly unknown[]
  /** Closed when the subscription has ended, with an error too. */
  readonly subscription: Subscription
}

/** A check over a broker at work, whose subscriptions are ended afterwards. */
export function overBroker(
  title: string,
  run: (bench: BrokerBench) => Promise<void>,
  needs?: BrokerCapability,
): BrokerCheck {
  return {
    title,
    ...(needs && { needs }),
    run: async setup => {
      const subscriptions = new Subscription()
      try {
        await run(benchOf(setup, subscriptions))
      } finally {
        subscriptions.unsubscribe()
      }
    },
  }
}

function benchOf(setup: BrokerSetup, subscriptions: Subscription): BrokerBench {
  const { broker, patienceMs = PATIENCE_MS, ready = async () => {}, topicPrefix = '' } = setup
  const receiptsOf = (topic: string, message: Message, options?: PublishOptions): Promise<Receipt[]> =>
    within(lastValueFrom(broker.publish(topic, message, options).pipe(toArray())), patienceMs, 'the end of publish')
  return {
    broker,
    ready,
    word: `${topicPrefix}check-${systemRuntime().id()}`,
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
      const receipts: Receipt[] = []
      for (const body of bodies) receipts.push(...(await receiptsOf(topic, messageOf(body))))
      assert.equal(receipts.length, bodies.length, 'a receipt for each message')
      return receipts
    },
    async send(topic, message, options) {
      const [receipt] = await receiptsOf(topic, message, options)
      assert.ok(receipt, 'publish completed without a receipt')
      return receipt
    },
  }
}
