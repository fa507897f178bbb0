import assert from 'node:assert/strict'
import { eventually, turns } from '../waiting.js'
import { pattern, sendBytes, sendNumber, upTo } from './frames.js'
import { receive } from './inbox.js'
import { overConnection, type TransportCheck } from './transport-check.js'

const MIB = 1024 * 1024

/** How senders are held up. */
export const backpressure: readonly TransportCheck[] = [
  overConnection(
    'says writable once the peer has read',
    async ({ client, server }, patienceMs) => {
      const bytes = pattern(MIB)
      let writable = 0
      client.writable.subscribe(() => writable++)

      let sent = 1
      while (sendBytes(client, bytes) && sent < 64) sent++
      const before = writable
      const inbox = receive(server, patienceMs)
      await eventually(() => writable > 0, patienceMs, 'writable')
      await inbox.received(sent)

      assert.ok(sent < 64, `${sent} frames of 1 MiB, and send still gives true`)
      assert.equal(before, 0, 'writable emitted before anything was read')
      assert.equal(
        inbox.frames.every(frame => Buffer.compare(frame, bytes) === 0),
        true,
      )
    },
    'backpressure',
  ),
  overConnection(
    'holds the sender of a peer that does not read',
    async ({ client, server }, patienceMs) => {
      const MOST = 64
      let sent = 0
      const pump = (): void => {
        while (sent < MOST && sendNumber(client, sent++, MIB));
      }
      const pumping = client.writable.subscribe(pump)

      pump()
      for (let seen = -1; seen < sent && sent < MOST; await turns(50)) seen = sent
      const held = sent
      const inbox = receive(server, patienceMs)
      await inbox.received(MOST)

      assert.ok(held < MOST, `all ${MOST} frames were taken, and nobody reads them`)
      assert.deepEqual(inbox.numbers, upTo(MOST))
      pumping.unsubscribe()
    },
    'backpressure',
  ),
  overConnection('does not say writable unasked', async ({ client, server }, patienceMs) => {
    const inbox = receive(server, patienceMs)
    let writable = 0
    client.writable.subscribe(() => writable++)

    for (const number of upTo(10)) sendNumber(client, number)
    await inbox.received(10)
    await turns(2)

    assert.equal(writable, 0, 'writable emitted, and send never gave false')
  }),
]
