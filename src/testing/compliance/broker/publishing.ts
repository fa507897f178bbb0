import assert from 'node:assert/strict'
import { lastValueFrom, map, tap, toArray, type Observable } from 'rxjs'
import type { Event, SubscribeOptions } from '../../../broker/index.js'
import { header, messageOf } from '../../../core/index.js'
import { hold, type Release } from '../../../streams/index.js'
import { assertFields } from '../assert-fields.js'
import { assertIncludes } from '../assert-includes.js'
import { foreignError } from '../foreign-error.js'
import { record } from '../recording.js'
import { overBroker, type BrokerCheck } from './broker-check.js'

/** What `publish` and `subscribe` do. */
export const publishing: readonly BrokerCheck[] = [
  overBroker('answers publish with one receipt and completes', async ({ word, publish }) => {
    const receipts = await publish(word, 1, 2)

    assert.deepEqual(
      receipts.map(({ topic }) => topic),
      [word, word],
    )
    assert.equal(new Set(receipts.map(({ id }) => id)).size, 2)
  }),

  overBroker('publishes when subscribed, not before', async ({ broker, word, listen, publish, until }) => {
    const listener = await listen(word)

    broker.publish(word, messageOf('never'))
    await publish(word, 'last')

    await until(() => listener.bodies.includes('last'))
    assert.deepEqual(listener.bodies, ['last'])
  }),

  overBroker('gives every subscriber the whole event', async ({ word, listen, publish, until }) => {
    const listeners = [await listen(word), await listen(word)]

    const [receipt] = await publish(word, { words: 3 })

    await until(() => listeners.every(({ events }) => events.length > 0))
    for (const { events } of listeners) {
      assert.equal(events.length, 1)
      assertFields(events[0], { id: receipt?.id, topic: word, message: { body: { words: 3 } }, attempt: 1 })
      assert.equal(typeof events[0]?.publishedAt, 'number')
    }
  }),

  overBroker('carries the header, the key and the id', async ({ word, listen, send, until }) => {
    const listener = await listen(word)
    const message = { header: header({ tenant: 'mill' }), body: [1, 'a', null] }

    const receipt = await send(word, message, { id: `${word}-7`, key: 'order-7' })

    await until(() => listener.events.length > 0)
    assert.equal(receipt.id, `${word}-7`)
    assertFields(listener.events[0], { id: receipt.id, key: 'order-7', message: { body: message.body } })
    assert.equal(listener.events[0]?.message.header?.['tenant'], 'mill')
  }),

  overBroker('gives each message once with ack none', async ({ broker, word, listen, publish, until }) => {
    const fails = tap<Event>(() => hold()?.(foreignError('not done')))
    const listener = await listen(word, { queue: 'q', ack: 'none' }, fails)

    await publish(word, 1, 2)
    await until(() => listener.events.length >= 2)
    const member = await listen(word, { queue: 'q', ack: 'none' })
    listener.subscription.unsubscribe()
    await publish(word, 'last')

    await until(() => member.bodies.includes('last'))
    assert.deepEqual([listener.bodies, member.bodies], [[1, 2], ['last']])
    const letters = await lastValueFrom(broker.deadLetters.list({ topic: word }).pipe(toArray()))
    assert.equal(letters.length, 0, 'what nobody acknowledges has become a dead letter')
  }),

  overBroker('says how the way to the broker is', async ({ broker, until }) => {
    const [first, second] = [record(broker.status$), record(broker.status$)]

    await until(() => [first, second].every(({ values }) => values.at(-1)?.state === 'connected'))

    assert.deepEqual([first.completed, second.completed], [false, false])
    for (const { subscription } of [first, second]) subscription.unsubscribe()
  }),

  overBroker('keeps topics apart', async ({ word, listen, publish, until }) => {
    const listener = await listen(`${word}.a`)

    await publish(`${word}.b`, 'other')
    await publish(`${word}.a.b`, 'longer')
    await publish(word, 'shorter')
    await publish(`${word}.a`, 'own')

    await until(() => listener.bodies.includes('own'))
    assert.deepEqual(listener.bodies, ['own'])
  }),

  overBroker('keeps the order of publication', async ({ word, listen, publish, until }) => {
    const listener = await listen(word)
    const bodies = Array.from({ length: 300 }, (_, index) => index)

    await publish(word, ...bodies)

    await until(() => listener.events.length >= bodies.length)
    assert.deepEqual(listener.bodies, bodies)
  }),

  overBroker('runs no subscriber before publish returns', async ({ broker, word, listen, until }) => {
    let inside = false
    const seen: boolean[] = []
    const listener = await listen(word, {}, tap({ next: () => void seen.push(inside) }))

    inside = true
    broker.publish(word, messageOf(1)).subscribe()
    inside = false

    await until(() => listener.events.length > 0)
    assert.deepEqual(seen, [false])
  }),

  overBroker('refuses to publish to what is no topic', async ({ broker, word }) => {
    const topics = ['', '.', `${word}.`, `${word}..a`, `${word} a`, `${word}.*`, '>', 'ü', 'a'.repeat(256)]

    const refusals = topics.map(topic => refusalOf(topic, broker.publish(topic, messageOf(1))))

    assert.deepEqual(refusals, topics.map(invalidTopic))
  }),

  overBroker('refuses to subscribe to what is no topic', async ({ broker, word }) => {
    const topics = ['', '.', `${word}.>.a`, `${word}.a*`, '>>', 'a b', 'a'.repeat(256)]

    const refusals = topics.map(topic => refusalOf(topic, broker.subscribe(topic)))

    assert.deepEqual(refusals, topics.map(invalidTopic))
  }),

  overBroker('refuses wrong options and names each', async ({ broker, word }) => {
    const options = {
      window: 0,
      ack: 'never',
      queue: '',
      from: 'old',
      ordered: 1,
      overflow: 'no',
    } as unknown as SubscribeOptions

    const { error, subscription } = record(broker.subscribe(word, options))
    subscription.unsubscribe()

    assert.ok(error, 'they were not refused in the turn of the subscription')
    assertFields(error, { code: 'INVALID_ARGUMENT', reason: 'invalid_options' })
    for (const name of Object.keys(options)) assertIncludes(error.message, name)
  }),

  overBroker('keeps an error of one subscriber from others', async ({ word, listen, publish, until }) => {
    const broken = await listen(word, {}, map(fails))
    const listener = await listen(word)

    await publish(word, 1, 2, 3)

    await until(() => listener.events.length >= 3)
    assert.equal(broken.subscription.closed, true, 'the subscription outlived its error')
    assert.deepEqual(listener.bodies, [1, 2, 3])
  }),

  overBroker('gives at most a window of held messages', async ({ word, listen, publish, until }) => {
    const releases: (Release | undefined)[] = []
    const holder = await listen(word, { window: 2 }, tap({ next: () => void releases.push(hold()) }))
    const witness = await listen(word)

    await publish(word, 1, 2, 3, 4)
    await until(() => witness.events.length >= 4 && holder.events.length >= 2)
    const first = [...holder.bodies]
    releases[0]?.()
    await until(() => holder.events.length >= 3)

    assert.deepEqual(
      [first, holder.bodies],
      [
        [1, 2],
        [1, 2, 3],
      ],
    )
    holder.subscription.unsubscribe()
    for (const release of releases) release?.()
  }),
]

/** What `source` is refused with in the turn of its subscription. */
function refusalOf(topic: string, source: Observable<unknown>): object {
  const { error, subscription } = record(source)
  subscription.unsubscribe()
  return { topic, code: error?.code, reason: error?.reason }
}

function invalidTopic(topic: string): object {
  return { topic, code: 'INVALID_ARGUMENT', reason: 'invalid_topic' }
}

function fails(): never {
  throw foreignError('a subscriber that fails')
}
