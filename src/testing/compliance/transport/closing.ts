import assert from 'node:assert/strict'
import type { Observable } from 'rxjs'
import { eventually, within } from '../waiting.js'
import { sendNumber, upTo } from './frames.js'
import { receive, type Inbox } from './inbox.js'
import { overConnection, type TransportCheck } from './transport-check.js'

const MIB = 1024 * 1024

/** How connections end. */
export const closing: readonly TransportCheck[] = [
  overConnection('delivers what was sent before close', async ({ client, server }, patienceMs) => {
    const inbox = receive(server, patienceMs)

    for (const number of upTo(1000)) sendNumber(client, number, 1000)
    client.close()

    assert.equal(await inbox.ended(), 'completed')
    assert.deepEqual(inbox.numbers, upTo(1000))
  }),
  overConnection('completes everything at both ends after close', async (connection, patienceMs) => {
    const { client, server } = connection
    const atClient = receive(client, patienceMs)
    const atServer = receive(server, patienceMs)
    const writable = [completionOf(client.writable), completionOf(server.writable)]

    server.close()

    assert.equal(await atServer.ended(), 'completed')
    assert.equal(await atClient.ended(), 'completed')
    await within(Promise.all(writable), patienceMs, 'the end of writable')
    await eventually(() => connection.dialEnding === 'completed', patienceMs, 'the end of the dial')
  }),
  overConnection('ignores a second close', async ({ client, server }, patienceMs) => {
    const inbox = receive(server, patienceMs)

    client.close()
    client.close()

    assert.equal(await inbox.ended(), 'completed')
    client.close()
  }),
  overConnection('sends nothing after close', async ({ client, server }, patienceMs) => {
    const inbox = receive(server, patienceMs)
    let written = false

    sendNumber(client, 0)
    client.close()
    const accepted = client.send(4, () => (written = true))
    await inbox.ended()

    assert.equal(accepted, false, 'send accepted a frame')
    assert.equal(written, false, 'the writer was called')
    assert.deepEqual(inbox.numbers, [0])
  }),
  overConnection('sends nothing after the peer has closed', async ({ client, server }, patienceMs) => {
    const inbox = receive(client, patienceMs)

    server.close()
    await inbox.ended()

    assert.equal(sendNumber(client, 0), false, 'send accepted a frame')
  }),
  overConnection('delivers nothing after close', async ({ client, server }, patienceMs) => {
    receive(client, patienceMs)
    let closed = false
    let late = 0
    const inbox = receive(server, patienceMs, (_frame, index) => {
      if (closed) late++
      if (index < 9) return
      server.close()
      closed = true
    })

    for (const number of upTo(1000)) sendNumber(client, number)
    await inbox.ended()

    assert.equal(late, 0, `${late} frames came after close`)
    assert.equal(inbox.ending, 'completed')
  }),
  overConnection('ends both when inbound is unsubscribed', async ({ client, server }, patienceMs) => {
    const atServer = receive(server, patienceMs)
    const atClient = receive(client, patienceMs)

    atClient.subscription.unsubscribe()

    await atServer.ended()
    assert.equal(sendNumber(client, 0), false, 'send accepted a frame')
  }),
  overConnection('delivers nothing after unsubscribing within next', async ({ client, server }, patienceMs) => {
    const inbox: Inbox = receive(server, patienceMs, (_frame, index) => {
      if (index === 9) inbox.subscription.unsubscribe()
    })
    const atClient = receive(client, patienceMs)

    for (const number of upTo(1000)) sendNumber(client, number)
    await atClient.ended()

    assert.deepEqual(inbox.numbers, upTo(10))
  }),
  overConnection('ends both when the dial is unsubscribed', async ({ client, server, dialing }, patienceMs) => {
    const inbox = receive(server, patienceMs)

    dialing.unsubscribe()

    await inbox.ended()
    assert.equal(sendNumber(client, 0), false, 'send accepted a frame')
  }),
  overConnection('sends what it accepted despite unsubscribing after close', async (connection, patienceMs) => {
    const { client, server, dialing } = connection
    const atServer = receive(server, patienceMs)
    const atClient = receive(client, patienceMs)

    for (const number of upTo(16)) sendNumber(client, number, MIB)
    client.close()
    atClient.subscription.unsubscribe()
    dialing.unsubscribe()

    assert.equal(await atServer.ended(), 'completed')
    assert.deepEqual(atServer.numbers, upTo(16))
  }),
  overConnection('completes inbound that is subscribed after the end', async ({ client, server }, patienceMs) => {
    const atServer = receive(server, patienceMs)

    client.close()
    await atServer.ended()
    const late = receive(client, patienceMs)

    assert.equal(await late.ended(), 'completed')
  }),
]

function completionOf(source: Observable<unknown>): Promise<void> {
  return new Promise(resolve => {
    source.subscribe({ complete: resolve })
  })
}
