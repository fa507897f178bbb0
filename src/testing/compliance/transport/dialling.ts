import assert from 'node:assert/strict'
import { RpcError } from '../../../core/index.js'
import type { Socket } from '../../../transport/index.js'
import { assertFields } from '../assert-fields.js'
import { eventually } from '../waiting.js'
import { dialled, failureOf, listenAt } from './connect.js'
import { receive, type Inbox } from './inbox.js'
import { overConnection, overTransport, type TransportCheck } from './transport-check.js'

/** How connections are opened. */
export const dialling: readonly TransportCheck[] = [
  overTransport('opens one connection a subscription', async ({ transport, anyAddress }, patienceMs) => {
    const { listener, listening } = await listenAt(transport, anyAddress, patienceMs)
    const accepted: Socket[] = []
    const opened: Socket[] = []
    listening.add(listener.sockets.subscribe(socket => accepted.push(socket)))

    const dial = transport.dial(listener.address)
    const dialing = dial.subscribe(socket => opened.push(socket))
    dialing.add(dial.subscribe(socket => opened.push(socket)))
    await eventually(() => accepted.length === 2 && opened.length === 2, patienceMs, 'two connections')

    assert.notEqual(opened[0], opened[1])
    dialing.unsubscribe()
    listening.unsubscribe()
    accepted.forEach(socket => socket.close())
  }),
  overTransport('fails to connect where nobody listens', async ({ transport, deadAddress }, patienceMs) => {
    const failure = await failureOf(transport.dial(deadAddress), patienceMs)

    assertFields(failure, { code: 'UNAVAILABLE', reason: 'connect_failed', retry: { safe: true } })
    assert.ok(String(failure).includes(deadAddress), `${String(failure)} does not name ${deadAddress}`)
  }),
  overTransport('refuses addresses that are none', async ({ transport, invalidAddresses }, patienceMs) => {
    const refusals: unknown[] = []

    for (const address of invalidAddresses) {
      for (const method of ['dial', 'listen'] as const) {
        const { code, reason } = RpcError.from(await failureOf(transport[method](address), patienceMs))
        refusals.push({ method, address, code, reason })
      }
    }

    const refused = { code: 'INVALID_ARGUMENT', reason: 'invalid_address' }
    const expected = invalidAddresses.flatMap(address => [
      { method: 'dial', address, ...refused },
      { method: 'listen', address, ...refused },
    ])
    assert.deepEqual(refusals, expected)
  }),
  overTransport('emits nothing when the dial is unsubscribed early', async ({ transport, anyAddress }, patienceMs) => {
    const { listener, listening } = await listenAt(transport, anyAddress, patienceMs)
    const inboxes: Inbox[] = []
    listening.add(listener.sockets.subscribe(socket => inboxes.push(receive(socket, patienceMs))))
    let emitted = 0

    transport
      .dial(listener.address)
      .subscribe(() => emitted++)
      .unsubscribe()
    const later = await dialled(transport, listener.address, patienceMs)
    await eventually(() => inboxes.length > 0, patienceMs, 'the later connection')
    later.dialing.unsubscribe()

    assert.equal(emitted, 0, 'a socket came after the end')
    for (const inbox of inboxes) await inbox.ended()
    listening.unsubscribe()
  }),
  overConnection('tells whom it has dialled', async ({ client, listener }) => {
    assert.equal(client.remote, listener.address)
  }),
  overConnection(
    'tells who has dialled',
    async ({ client, server }) => {
      assert.equal(server.remote, client.local)
    },
    'ownAddress',
  ),
]
