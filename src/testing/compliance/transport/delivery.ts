import assert from 'node:assert/strict'
import { foreignError } from '../foreign-error.js'
import { assertFields } from '../assert-fields.js'
import { turns } from '../waiting.js'
import { failureOf } from './connect.js'
import { pattern, sendBytes, sendNumber, upTo } from './frames.js'
import { receive } from './inbox.js'
import { overConnection, type TransportCheck } from './transport-check.js'

const MIB = 1024 * 1024

/** How frames arrive. */
export const delivery: readonly TransportCheck[] = [
  overConnection('keeps frames of every size unchanged', async ({ client, server }, patienceMs) => {
    const sent = [0, 1, 100, 65_536, MIB, 0, 3].map(pattern)
    const inbox = receive(server, patienceMs)

    for (const bytes of sent) sendBytes(client, bytes)
    await inbox.received(sent.length)

    assert.deepEqual(
      inbox.frames.map(({ length }) => length),
      sent.map(({ length }) => length),
    )
    const changed = sent.findIndex((bytes, index) => Buffer.compare(bytes, inbox.frames[index] ?? pattern(7)) !== 0)
    assert.equal(changed, -1, `frame ${changed} arrived with other bytes`)
  }),
  overConnection('keeps the order of frames sent in one turn', async ({ client, server }, patienceMs) => {
    const inbox = receive(server, patienceMs)

    for (const number of upTo(5000)) sendNumber(client, number, 4 + (number % 50))
    await inbox.received(5000)

    assert.deepEqual(inbox.numbers, upTo(5000))
  }),
  overConnection('carries both directions at once', async ({ client, server }, patienceMs) => {
    const toServer = receive(server, patienceMs)
    const toClient = receive(client, patienceMs)

    for (const number of upTo(500)) {
      sendNumber(client, number)
      sendNumber(server, number)
      if (number % 50 === 0) await turns(1)
    }
    await Promise.all([toServer.received(500), toClient.received(500)])

    assert.deepEqual(toServer.numbers, upTo(500))
    assert.deepEqual(toClient.numbers, upTo(500))
  }),
  overConnection('delivers nothing before send returns', async ({ client, server }, patienceMs) => {
    let sending = false
    const duringSend: number[] = []
    const inbox = receive(server, patienceMs, (_frame, index) => {
      if (sending) duringSend.push(index)
    })

    for (const number of upTo(100)) {
      sending = true
      sendNumber(client, number)
      sending = false
    }
    await inbox.received(100)

    assert.deepEqual(duringSend, [])
  }),
  overConnection('never writes the bytes of a frame again', async ({ client, server }, patienceMs) => {
    const views: Uint8Array[] = []
    const inbox = receive(server, patienceMs, ({ bytes, start, end }) => views.push(bytes.subarray(start, end)))

    for (const number of upTo(2000)) {
      sendNumber(client, number, 100)
      if (number % 100 === 0) await inbox.received(number)
    }
    await inbox.received(2000)

    const changed = views.findIndex((view, index) => Buffer.compare(view, inbox.frames[index] ?? pattern(1)) !== 0)
    assert.equal(changed, -1, `the bytes of frame ${changed} are not what they were when it arrived`)
  }),
  overConnection('may send while a frame arrives', async ({ client, server }, patienceMs) => {
    receive(server, patienceMs, ({ bytes, start, end }) => sendBytes(server, bytes.subarray(start, end)))
    const inbox = receive(client, patienceMs, (_frame, index) => {
      if (index < 99) sendNumber(client, index + 1)
    })

    sendNumber(client, 0)
    await inbox.received(100)

    assert.deepEqual(inbox.numbers, upTo(100))
  }),
  overConnection('is as before when a writer throws', async ({ client, server }, patienceMs) => {
    const inbox = receive(server, patienceMs)
    const foreign = foreignError('cannot encode')

    sendNumber(client, 0)
    const send = (): boolean =>
      client.send(10, () => {
        throw foreign
      })
    assert.throws(send, (error: unknown) => error === foreign)
    sendNumber(client, 1)
    await inbox.received(2)

    assert.deepEqual(inbox.numbers, [0, 1])
  }),
  overConnection('refuses to send a frame above the limit', async ({ client }) => {
    let written = false

    const send = (): boolean => client.send(0x100_0000, () => (written = true))

    assert.throws(send, { code: 'RESOURCE_EXHAUSTED', reason: 'frame_too_large' })
    assert.equal(written, false, 'the writer was called')
  }),
  overConnection('keeps frames until inbound is subscribed', async ({ client, server }, patienceMs) => {
    for (const number of upTo(100)) sendNumber(client, number)
    await turns(5)
    const inbox = receive(server, patienceMs)
    await inbox.received(100)

    assert.deepEqual(inbox.numbers, upTo(100))
  }),
  overConnection('has one subscriber of inbound', async ({ client, server }, patienceMs) => {
    const first = receive(server, patienceMs)

    const second = await failureOf(server.inbound, patienceMs)
    sendNumber(client, 0)
    await first.received(1)

    assertFields(second, { code: 'FAILED_PRECONDITION', reason: 'inbound_taken' })
    assert.equal(first.ending, 'open')
  }),
]
