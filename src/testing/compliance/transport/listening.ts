import assert from 'node:assert/strict'
import { assertFields } from '../assert-fields.js'
import { connect, dialled, failureOf, listenAt } from './connect.js'
import { sendNumber } from './frames.js'
import { receive } from './inbox.js'
import { overConnection, overTransport, type TransportCheck } from './transport-check.js'

/** How connections are accepted. */
export const listening: readonly TransportCheck[] = [
  overTransport('gives each listener an address of its own', async ({ transport, anyAddress }, patienceMs) => {
    const first = await connect(transport, anyAddress, patienceMs)
    const second = await connect(transport, anyAddress, patienceMs)

    assert.notEqual(first.listener.address, second.listener.address)
    for (const { dialing, listening: held } of [first, second]) {
      dialing.unsubscribe()
      held.unsubscribe()
    }
  }),
  overTransport('fails to listen at a taken address', async ({ transport, anyAddress }, patienceMs) => {
    const { listener, listening: held } = await listenAt(transport, anyAddress, patienceMs)

    const failure = await failureOf(transport.listen(listener.address), patienceMs)

    assertFields(failure, { code: 'UNAVAILABLE', reason: 'listen_failed' })
    held.unsubscribe()
  }),
  overTransport('listens again where a listener has gone', async ({ transport, anyAddress }, patienceMs) => {
    const first = await listenAt(transport, anyAddress, patienceMs)
    first.listening.unsubscribe()

    const second = await listenAt(transport, first.listener.address, patienceMs)

    assert.equal(second.listener.address, first.listener.address)
    second.listening.unsubscribe()
  }),
  overConnection('keeps sockets when the listener goes', async (connection, patienceMs, { transport }) => {
    const { client, server, listener } = connection
    const inbox = receive(server, patienceMs)

    connection.listening.unsubscribe()
    const failure = await failureOf(transport.dial(listener.address), patienceMs)
    sendNumber(client, 0)
    await inbox.received(1)

    assertFields(failure, { reason: 'connect_failed' })
  }),
  overTransport('closes a socket that nobody takes', async ({ transport, anyAddress }, patienceMs) => {
    const { listener, listening: held } = await listenAt(transport, anyAddress, patienceMs)

    const { socket, dialing } = await dialled(transport, listener.address, patienceMs)
    await receive(socket, patienceMs).ended()

    dialing.unsubscribe()
    held.unsubscribe()
  }),
]
