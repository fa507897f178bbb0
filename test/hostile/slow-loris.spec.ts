import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/deadline.js'
import { setupFrame } from '../support/raw-peer.js'
import { prefixed } from '../support/raw-stream.js'
import { answering, VirtualWire } from '../support/virtual-wire.js'
import { HostileBench } from './hostile-bench.js'
import { RawClient } from './raw-client.js'

const SETUP_TIMEOUT_MS = 100
/** Length of a frame of 16 MB, and its first bytes. */
const ANNOUNCED = Uint8Array.of(0xff, 0xff, 0xff, 0, 0, 0, 0)

let bench: HostileBench

beforeAll(async () => {
  bench = await HostileBench.start({}, { setupTimeoutMs: SETUP_TIMEOUT_MS })
})

afterAll(() => bench.end())

/** Writes `bytes` one by one, each in a turn of its own, until the other side has had enough. */
function trickle(client: RawClient, bytes: Uint8Array): void {
  let at = 0
  const timer = setInterval(() => {
    if (at === bytes.length || client.socket.destroyed) clearInterval(timer)
    else client.socket.write(bytes.subarray(at, ++at))
  }, 4)
}

describe('a client that takes its time', () => {
  const openings: { readonly [what: string]: (client: RawClient) => void } = {
    'says nothing': () => {},
    'sends SETUP byte by byte': client => trickle(client, prefixed(setupFrame())),
    'announces 16 MB that never come': client => client.socket.write(ANNOUNCED),
  }

  it.each(Object.entries(openings))('is refused when it %s', async (_, open) => {
    const client = new RawClient(bench.address)

    open(client)
    await client.ended()

    expect(client.lines).toEqual(['ERROR 0 INVALID_SETUP setup_timeout'])
    expect(bench.reasons.at(-1)).toBe('setup_timeout')
  })

  it('is dead while a frame trickles in', async () => {
    const client = new RawClient(bench.address)
    client.setup({ keepAliveMs: 20, maxLifetimeMs: 150 })
    const before = bench.log.length

    client.socket.write(Uint8Array.of(0, 4, 0))
    trickle(client, new Uint8Array(1024))
    await eventually(() => bench.log.length > before, 5000, 'the end of the connection')

    expect(bench.log.at(-1)).toMatchObject({ event: 'connection.failed', fields: { reason: 'connection_lost' } })
    expect(String(bench.log.at(-1)?.message)).toContain('nothing was heard for 150 ms')
    client.cut()
  })

  it('costs no memory for what it announces', async () => {
    const before = process.memoryUsage()
    const clients = Array.from({ length: 100 }, () => new RawClient(bench.address))

    for (const { socket } of clients) socket.write(ANNOUNCED)
    const reply = await bench.echo('a')
    const { external, arrayBuffers } = process.memoryUsage()
    for (const client of clients) await client.ended()

    expect(reply).toBe('a')
    // 1.6 GB were announced. What a frame is given before its bytes have come is 64 KiB.
    expect(external - before.external + arrayBuffers - before.arrayBuffers).toBeLessThan(32_000_000)
  })

  it('does not keep others from being served', async () => {
    const clients = Array.from({ length: 500 }, () => new RawClient(bench.address))

    const reply = await bench.echo('b')
    for (const client of clients) await client.ended()

    expect(reply).toBe('b')
    expect(clients.flatMap(({ lines }) => lines)).toEqual(clients.map(() => 'ERROR 0 INVALID_SETUP setup_timeout'))
  })

  it('is refused with its MIME types, however long', async () => {
    const client = new RawClient(bench.address)
    const mimeType = 'x'.repeat(255)

    client.setup({ metadataType: mimeType, dataType: mimeType })
    await client.ended()

    expect(client.lines).toEqual(['ERROR 0 UNSUPPORTED_SETUP unsupported_setup'])
  })

  it('is dead after an hour, whatever SETUP says', () => {
    const wire = new VirtualWire()
    wire.serve(answering({}))
    const peer = wire.rawClient({ keepAliveMs: 0x7fff_ffff, maxLifetimeMs: 0x7fff_ffff })

    wire.advance(3_000_000)
    const before = peer.ending
    wire.advance(1_000_000)

    expect([before, peer.ending]).toEqual(['open', 'closed'])
  })

  it('cannot fill the log by coming again', async () => {
    const own = await HostileBench.start({})
    const clients = Array.from({ length: 300 }, () => new RawClient(own.address))

    for (const { socket } of clients) socket.write(prefixed(new Uint8Array(6)))
    for (const client of clients) await client.ended()

    // Two seconds at most, with 20 of each.
    const failed = own.log.filter(({ event }) => event === 'connection.failed')
    expect(failed.length).toBeGreaterThanOrEqual(20)
    expect(failed.length).toBeLessThan(100)
    own.end()
  })
})
