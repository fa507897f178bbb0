import assert from 'node:assert/strict'
import { of } from 'rxjs'
import { messageOf } from '../../../core/index.js'
import type { Connection } from '../../../protocol/index.js'
import { assertFields } from '../assert-fields.js'
import { record } from '../recording.js'
import { answering, bodies, echo, numbers, single, upTo } from './calling.js'
import { endless } from './endless.js'
import { overProtocol, type ProtocolCheck } from './protocol-check.js'

/** How connections are made. */
export const connecting: readonly ProtocolCheck[] = [
  overProtocol('fails to connect where nobody listens', async ({ protocol, deadAddress, until }) => {
    const lifetime = record(protocol.connect(deadAddress))

    await until(() => lifetime.error !== undefined)

    assertFields(lifetime.error, { code: 'UNAVAILABLE', reason: 'connect_failed', retry: { safe: true } })
  }),
  overProtocol('asks for a peer once a connection', async ({ listen, connect, until }) => {
    const remotes: Connection[] = []
    const { binding } = await listen(remote => {
      const name = remotes.push(remote)
      return answering({ name: () => of(messageOf(name)) })
    })
    const connections = [await connect(binding.address), await connect(binding.address)]

    const replies = connections.flatMap(({ connection }) =>
      upTo(2).map(() => record(connection.call(single('unary', 'name')))),
    )
    await until(() => replies.every(({ completed }) => completed))

    const names = replies.flatMap(bodies).map(Number)
    assert.deepEqual(
      names.toSorted((a, b) => a - b),
      [1, 1, 2, 2],
    )
    assert.equal(remotes.length, 2)
  }),
  overProtocol(
    'lets a server call its client',
    async ({ connected, until }) => {
      const { connection } = await connected(
        remote => ({ call: () => remote.call(single('serverStream', 'numbers')) }),
        answering({ numbers: numbers(3) }),
      )

      const replies = record(connection.call(single('serverStream', 'any')))
      await until(() => replies.completed)

      assert.deepEqual(bodies(replies), [0, 1, 2])
    },
    'serverCalls',
  ),
  overProtocol('leaves nothing open', async ({ connected, until, openTimers }) => {
    const before = openTimers()
    const { connection, listening, lifetime } = await connected({ echo, ticks: endless().pushed })
    const ticks = record(connection.call(single('serverStream', 'ticks')))
    await until(() => ticks.values.length > 0)

    lifetime.subscription.unsubscribe()
    listening.unsubscribe()

    await until(() => openTimers() <= before)
  }),
]
