import assert from 'node:assert/strict'
import { overBroker, type BrokerCheck } from './broker-check.js'

/** What topics with wildcards match. */
export const wildcards: readonly BrokerCheck[] = [
  overBroker(
    'matches one word with a star',
    async ({ word, listen, publish, until }) => {
      const listener = await listen(`${word}.*.done`)

      await publish(`${word}.done`, 'too short')
      await publish(`${word}.a.b.done`, 'too long')
      await publish(`${word}.a.failed`, 'other')
      await publish(`${word}.a.done`, 'a')
      await publish(`${word}.b.done`, 'b')

      await until(() => listener.events.length >= 2)
      assert.deepEqual(listener.bodies, ['a', 'b'])
      assert.deepEqual(
        listener.events.map(({ topic }) => topic),
        [`${word}.a.done`, `${word}.b.done`],
      )
    },
    'wildcards',
  ),

  overBroker(
    'matches one or more last words with >',
    async ({ word, listen, publish, until }) => {
      const listener = await listen(`${word}.>`)

      await publish(word, 'too short')
      await publish(`${word}x.a`, 'other')
      await publish(`${word}.a`, 'one')
      await publish(`${word}.a.b`, 'two')

      await until(() => listener.events.length >= 2)
      assert.deepEqual(listener.bodies, ['one', 'two'])
    },
    'wildcards',
  ),
]
