import assert from 'node:assert/strict'
import { messageOf, systemRuntime } from '../../../core/index.js'
import { overBroker, type BrokerCheck } from './broker-check.js'

/** What a broker remembers. */
export const replay: readonly BrokerCheck[] = [
  overBroker(
    'begins with all messages and goes on',
    async ({ word, listen, publish, until }) => {
      await publish(word, 1, 2, 3)

      const listener = await listen(word, { from: 'all' })
      await publish(word, 4)

      await until(() => listener.bodies.includes(4))
      assert.deepEqual(listener.bodies, [1, 2, 3, 4])
    },
    'replay',
  ),

  overBroker(
    'begins with the last messages',
    async ({ word, listen, publish, until }) => {
      await publish(word, 1, 2, 3)

      const listener = await listen(word, { from: { last: 2 } })
      await publish(word, 4)

      await until(() => listener.bodies.includes(4))
      assert.deepEqual(listener.bodies, [2, 3, 4])
    },
    'replay',
  ),

  overBroker(
    'begins with a sequence',
    async ({ word, listen, publish, until }) => {
      const [, second] = await publish(word, 1, 2, 3)

      const listener = await listen(word, { from: { sequence: second?.sequence ?? 0 } })
      await publish(word, 4)

      await until(() => listener.bodies.includes(4))
      assert.deepEqual(listener.bodies, [2, 3, 4])
      assert.equal(listener.events[0]?.sequence, second?.sequence)
    },
    'replay',
  ),

  overBroker(
    'begins with a time',
    async ({ word, listen, publish, until }) => {
      const witness = await listen(word)
      await publish(word, 1)
      await until(() => witness.events.length >= 1)
      const { scheduler } = systemRuntime()
      const later = scheduler.now() + 2
      await until(() => scheduler.now() > later) // the next is published in another millisecond
      await publish(word, 2, 3)
      await until(() => witness.events.length >= 3)

      const listener = await listen(word, { from: { time: witness.events[1]?.publishedAt ?? 0 } })
      await publish(word, 4)

      await until(() => listener.bodies.includes(4))
      assert.deepEqual(listener.bodies, [2, 3, 4])
    },
    'replay',
  ),

  overBroker(
    'begins with new messages unless it is told otherwise',
    async ({ word, listen, publish, until }) => {
      await publish(word, 1)

      const listener = await listen(word)
      await publish(word, 2)

      await until(() => listener.bodies.includes(2))
      assert.deepEqual(listener.bodies, [2])
    },
    'replay',
  ),

  overBroker(
    'replays nothing to a member of a known queue',
    async ({ word, listen, publish, until }) => {
      const options = { queue: 'q', from: 'all' } as const
      await publish(word, 1, 2)
      const first = await listen(word, options)
      await until(() => first.events.length >= 2)

      const second = await listen(word, options)
      await publish(word, 'last', 'last')

      const received = () => [...first.bodies, ...second.bodies].map(String)
      await until(() => received().filter(body => body === 'last').length >= 2)
      assert.deepEqual(received().toSorted(), ['1', '2', 'last', 'last'])
    },
    'replay',
  ),

  overBroker(
    'takes an id once however often it is published',
    async ({ word, listen, publish, send, until }) => {
      const listener = await listen(word)
      const id = `${word}-7`

      const first = await send(word, messageOf('first'), { id })
      const second = await send(word, messageOf('second'), { id })
      await publish(word, 'last')

      await until(() => listener.bodies.includes('last'))
      assert.deepEqual(listener.bodies, ['first', 'last'])
      assert.deepEqual([first.duplicate ?? false, second.duplicate], [false, true])
      assert.deepEqual([second.id, second.sequence], [id, first.sequence])
    },
    'deduplication',
  ),
]
