import assert from 'node:assert/strict'
import { overBroker, type BrokerCheck } from './broker-check.js'

/** How the members of a queue group share. */
export const queues: readonly BrokerCheck[] = [
  overBroker(
    'gives each message to one member of a queue',
    async ({ word, listen, publish, until }) => {
      const members = [await listen(word, { queue: 'q' }), await listen(word, { queue: 'q' })]
      const witness = await listen(word)
      const received = () => members.flatMap(({ bodies }) => bodies)

      await publish(word, ...Array.from({ length: 40 }, (_, index) => index))
      await until(() => received().length >= 40 && witness.events.length >= 40)

      assert.equal(new Set(received()).size, received().length)
      assert.equal(received().length, 40)
    },
    'queueGroups',
  ),

  overBroker(
    'gives every member of a queue its share',
    async ({ word, listen, publish, until }) => {
      const members = [await listen(word, { queue: 'q' }), await listen(word, { queue: 'q' })]

      await publish(word, ...Array.from({ length: 100 }, (_, index) => index))

      await until(() => members.every(({ events }) => events.length > 0))
    },
    'queueGroups',
  ),

  overBroker(
    'gives every queue and plain subscriber each message',
    async ({ word, listen, publish, until }) => {
      const listeners = [await listen(word, { queue: 'q' }), await listen(word, { queue: 'r' }), await listen(word)]

      await publish(word, 1, 2, 3)

      await until(() => listeners.every(({ events }) => events.length >= 3))
      for (const { bodies } of listeners) assert.deepEqual(bodies, [1, 2, 3])
    },
    'queueGroups',
  ),

  overBroker(
    'takes one queue name on two topics for two queues',
    async ({ word, listen, publish, until }) => {
      const first = await listen(`${word}.a`, { queue: 'q' })
      const second = await listen(`${word}.b`, { queue: 'q' })

      await publish(`${word}.a`, 'a')
      await publish(`${word}.b`, 'b')

      await until(() => first.events.length >= 1 && second.events.length >= 1)
      assert.deepEqual([first.bodies, second.bodies], [['a'], ['b']])
    },
    'queueGroups',
  ),

  overBroker(
    'gives nothing to a member that has left',
    async ({ word, listen, publish, until }) => {
      const [leaver, stayer] = [await listen(word, { queue: 'q' }), await listen(word, { queue: 'q' })]

      leaver.subscription.unsubscribe()
      await publish(word, 1, 2, 3, 4)

      await until(() => stayer.events.length >= 4)
      assert.deepEqual(stayer.bodies, [1, 2, 3, 4])
    },
    'queueGroups',
  ),
]
