import assert from 'node:assert/strict'
import { tap } from 'rxjs'
import { unprocessable, type Event } from '../../../broker/index.js'
import { messageOf } from '../../../core/index.js'
import { hold, type Release } from '../../../streams/index.js'
import { foreignError } from '../foreign-error.js'
import { type BrokerBench, overBroker, type BrokerCheck } from './broker-check.js'

/** What comes one after the other. */
export const order: readonly BrokerCheck[] = [
  overBroker(
    'gives one message of a key at a time',
    async ({ word, listen, until, ...bench }) => {
      const releases: (Release | undefined)[] = []
      const keep = tap<Event>(() => void releases.push(hold()))
      const members = [
        await listen(word, { queue: 'q', ordered: true }, keep),
        await listen(word, { queue: 'q', ordered: true }, keep),
      ]
      const given = () => members.flatMap(({ bodies }) => bodies.map(String)).toSorted()

      await sendKeyed(bench, word, ['a1', 'a2', 'b1', 'a3'])
      await until(() => given().length >= 2)
      const before = given()
      while (given().length < 4) {
        const count = given().length
        for (const release of releases) release?.()
        await until(() => given().length > count)
      }

      assert.deepEqual(before, ['a1', 'b1'])
      assert.deepEqual(given(), ['a1', 'a2', 'a3', 'b1'])
      for (const release of releases) release?.()
    },
    'ordered',
  ),

  overBroker(
    'keeps the order of a key when a message fails',
    async ({ word, listen, until, ...bench }) => {
      const failFirst = tap<Event>(({ attempt, message }) => {
        if (message.body === 'a1' && attempt < 3) hold()?.(foreignError('not done'))
      })
      const listener = await listen(word, { queue: 'q', ordered: true }, failFirst)

      await sendKeyed(bench, word, ['a1', 'a2', 'a3'])

      await until(() => listener.bodies.includes('a3'))
      assert.deepEqual(listener.bodies, ['a1', 'a1', 'a1', 'a2', 'a3'])
    },
    'ordered',
  ),

  overBroker(
    'goes on with a key after its dead letter',
    async ({ word, listen, until, ...bench }) => {
      const poison = tap<Event>(({ message }) => {
        if (message.body === 'a1') hold()?.(unprocessable('no lines'))
      })
      const listener = await listen(word, { queue: 'q', ordered: true }, poison)

      await sendKeyed(bench, word, ['a1', 'a2'])

      await until(() => listener.bodies.includes('a2'))
      assert.deepEqual(listener.bodies, ['a1', 'a2'])
    },
    'ordered',
  ),

  overBroker(
    'does not hold back one key for another',
    async ({ word, listen, until, ...bench }) => {
      const releases: (Release | undefined)[] = []
      const keepFirst = tap<Event>(({ message }) => {
        if (message.body === 'a1') releases.push(hold())
      })
      const listener = await listen(word, { queue: 'q', ordered: true }, keepFirst)

      await sendKeyed(bench, word, ['a1', 'a2', 'b1', 'b2'])

      await until(() => listener.bodies.includes('b2'))
      assert.deepEqual(listener.bodies, ['a1', 'b1', 'b2'])
      for (const release of releases) release?.()
    },
    'ordered',
  ),
]

/** Publishes bodies, each with its first letter as its key. */
async function sendKeyed({ send }: Pick<BrokerBench, 'send'>, topic: string, bodies: readonly string[]): Promise<void> {
  for (const body of bodies) await send(topic, messageOf(body), { key: body.slice(0, 1) })
}
