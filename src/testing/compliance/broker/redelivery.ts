import assert from 'node:assert/strict'
import { of, take, tap, throwError } from 'rxjs'
import type { Event } from '../../../broker/index.js'
import { hold, pacedMap, type Release } from '../../../streams/index.js'
import { foreignError } from '../foreign-error.js'
import { overBroker, type BrokerCheck } from './broker-check.js'

/** What comes again. */
export const redelivery: readonly BrokerCheck[] = [
  overBroker(
    'delivers again what is released with an error',
    async ({ word, listen, publish, until }) => {
      const failFirst = tap<Event>(({ attempt }) => {
        const release = hold()
        release?.(attempt === 1 ? foreignError('not done') : undefined)
      })
      const listener = await listen(word, {}, failFirst)

      const [receipt] = await publish(word, 'work')

      await until(() => listener.events.length >= 2)
      assert.deepEqual(
        listener.events.map(({ id, attempt }) => [id, attempt]),
        [
          [receipt?.id, 1],
          [receipt?.id, 2],
        ],
      )
    },
    'redelivery',
  ),

  overBroker('goes on behind a pacedMap that fails for one event', async ({ word, listen, publish, until }) => {
    const failFor = pacedMap((event: Event) => (event.message.body === 'bad' ? throwError(foreignError) : of(event)))
    const listener = await listen(word, {}, failFor)

    await publish(word, 'bad', 'good')

    await until(() => listener.events.length > 0 || listener.subscription.closed)
    assert.deepEqual([listener.bodies, listener.subscription.closed], [['good'], false])
  }),

  overBroker(
    'does not deliver again what is consumed',
    async ({ word, listen, publish, until }) => {
      const [first, second] = [await listen(word, { queue: 'q' }), await listen(word, { queue: 'q' })]
      await publish(word, 1, 2)
      await until(() => first.events.length + second.events.length >= 2)

      const left = first.events.length > 0 ? first : second
      const other = left === first ? second : first
      left.subscription.unsubscribe()
      await publish(word, 'last')

      await until(() => other.bodies.includes('last'))
      assert.deepEqual(
        other.events.map(({ attempt }) => attempt),
        other.events.map(() => 1),
      )
    },
    'redelivery',
  ),

  overBroker(
    'delivers again when a subscription ends inside next',
    async ({ word, listen, publish, until }) => {
      const taker = await listen(word, { queue: 'q' }, take(1))
      await publish(word, 'work')
      const member = await listen(word, { queue: 'q' })

      await until(() => taker.events.length + member.events.length >= 2)
      assert.deepEqual([taker.bodies, member.bodies], [['work'], ['work']])
      assert.equal(member.events[0]?.attempt, 2)
    },
    'redelivery',
  ),

  overBroker(
    'lets holders finish when a subscription has ended',
    async ({ word, listen, publish, until }) => {
      const releases: (Release | undefined)[] = []
      const leaver = await listen(word, { queue: 'q' }, tap({ next: () => void releases.push(hold()) }))
      await publish(word, 'done later', 'failed later')
      await until(() => leaver.events.length >= 2)
      const member = await listen(word, { queue: 'q' })

      leaver.subscription.unsubscribe()
      releases[0]?.()
      releases[1]?.(foreignError('not done'))

      await until(() => member.events.length >= 1)
      await publish(word, 'last')
      await until(() => member.bodies.includes('last'))
      assert.deepEqual(member.bodies, ['failed later', 'last'])
    },
    'redelivery',
  ),

  overBroker(
    'delivers again after nak',
    async ({ word, listen, publish, until }) => {
      const nakFirst = tap<Event>(event => {
        if (event.attempt === 1) event.nak(0)
        event.ack() // does nothing after a nak
      })
      const listener = await listen(word, { ack: 'manual', window: 1 }, nakFirst)

      await publish(word, 1, 2)

      await until(() => listener.events.length >= 4)
      const attempts = (body: number) => listener.events.filter(({ message }) => message.body === body)
      for (const body of [1, 2])
        assert.deepEqual(
          attempts(body).map(({ attempt }) => attempt),
          [1, 2],
        )
    },
    'redelivery',
  ),

  overBroker(
    'gives a manual subscriber no more before it acks',
    async ({ word, listen, publish, until }) => {
      const listener = await listen(word, { ack: 'manual', window: 1 })
      const witness = await listen(word)

      await publish(word, 1, 2)
      await until(() => witness.events.length >= 2 && listener.events.length >= 1)
      const before = listener.events.length
      listener.events[0]?.ack()

      await until(() => listener.events.length >= 2)
      assert.equal(before, 1, 'a second event came before the first was acknowledged')
    },
    'redelivery',
  ),

  overBroker(
    'passes on what was not acked when its subscriber left',
    async ({ word, listen, publish, until }) => {
      const leaver = await listen(word, { queue: 'q', ack: 'manual' })
      await publish(word, 'acked', 'open')
      await until(() => leaver.events.length >= 2)
      const member = await listen(word, { queue: 'q' })

      leaver.events[0]?.ack()
      leaver.subscription.unsubscribe()
      leaver.events[1]?.nak(0) // too late
      await publish(word, 'last')

      await until(() => ['open', 'last'].every(body => member.bodies.includes(body)))
      assert.deepEqual(
        new Set(member.events.map(({ message, attempt }) => `${String(message.body)} ${attempt}`)),
        new Set(['open 2', 'last 1']),
      )
    },
    'redelivery',
  ),

  overBroker('refuses ack and nak of events that consumption acks', async ({ word, listen, publish, until }) => {
    const listener = await listen(word)
    await publish(word, 1)
    await until(() => listener.events.length >= 1)

    const refused = { code: 'FAILED_PRECONDITION', reason: 'ack_not_manual' }
    assert.throws(() => listener.events[0]?.ack(), refused)
    assert.throws(() => listener.events[0]?.nak(), refused)
    assert.throws(() => listener.events[0]?.reject(), refused)
  }),
]
