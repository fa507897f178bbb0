import { messageOf, type Message } from 'millrace/core'
import type { StreamingCall } from 'millrace/protocol'
import { COMPOSITE_METADATA } from 'millrace/protocol/rsocket'
import { paced } from 'millrace/streams'
import { ignoreElements, map, NEVER, of, tap, timer, type Observable } from 'rxjs'
import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../support/deadline.js'
import { frameBytes, joined, u24 } from '../support/raw-frame.js'
import { routeMetadata, text } from '../support/raw-peer.js'
import { prefixed } from '../support/raw-stream.js'
import { CALL_ENTRY } from '../../src/protocol/rsocket/composite-metadata.js'
import { answering, VirtualWire } from '../support/virtual-wire.js'
import { HostileBench } from './hostile-bench.js'
import { RawClient } from './raw-client.js'

const NO_BODY = 8
const MOST = 0x7fff_ffff
const PATIENCE_MS = 10_000

const benches: HostileBench[] = []

afterEach(() => {
  for (const bench of benches.splice(0)) bench.end()
})

async function start(...args: Parameters<typeof HostileBench.start>): Promise<HostileBench> {
  const bench = await HostileBench.start(...args)
  benches.push(bench)
  return bench
}

/** Requests on the ids `first`, `first` + 2, …, as the bytes of one write. */
function requests(type: 'REQUEST_RESPONSE' | 'REQUEST_STREAM', endpoint: string, first: number, count: number): Buffer {
  const word = type === 'REQUEST_STREAM' ? { word: 1 } : {}
  const request = prefixed(frameBytes({ type, metadata: routeMetadata(endpoint, NO_BODY), ...word }))
  const all = Buffer.alloc(count * request.length)
  for (let index = 0; index < count; index++) {
    all.set(request, index * request.length)
    all.writeUInt32BE(first + 2 * index, index * request.length + 3)
  }
  return all
}

describe('a client that opens too many streams', () => {
  it('is refused 100 000 of them, and others are served', async () => {
    const maxStreams = 64
    const bench = await start({ never: () => NEVER }, { maxStreams })
    const client = new RawClient(bench.address)
    client.setup()
    const rssBefore = process.memoryUsage.rss()

    const replies: unknown[] = []
    for (let round = 0; round < 10; round++) {
      client.socket.write(
        requests('REQUEST_STREAM', 'never', 1 + 20_000 * round, round === 0 ? 10_000 + maxStreams : 10_000),
      )
      replies.push(await bench.echo(`round ${round}`))
    }
    await client.hears(100_000)

    const refusals = client.received.filter(frame => Buffer.from(frame.buffer).includes('"too_many_streams"'))
    expect(refusals).toHaveLength(100_000)
    expect(replies).toHaveLength(10)
    expect(bench.accepted.map(({ running }) => running)).toContain(maxStreams)
    // The client and what it has received are in this process, too.
    expect(process.memoryUsage.rss() - rssBefore).toBeLessThan(256_000_000)
    client.cut()
    await eventually(() => bench.accepted.every(({ running }) => running === 0), PATIENCE_MS, 'the end of the streams')
  })
})

describe('a client that does not read', () => {
  it('and goes on asking is disconnected', async () => {
    const body = 'x'.repeat(60_000)
    const bench = await start({ large: () => of(messageOf(body)) }, { maxQueuedBytes: 200_000 })
    const client = new RawClient(bench.address)
    client.setup()
    client.socket.pause()

    const asking = setInterval(() => client.socket.write(requests('REQUEST_RESPONSE', 'large', 1, 100)), 1)
    await eventually(() => bench.reasons.includes('slow_peer'), PATIENCE_MS, 'slow_peer')
    clearInterval(asking)

    expect(await bench.echo('a')).toBe('a')
    client.cut()
  })

  it('slows the producer of a stream down', async () => {
    let produced = 0
    const items = function* (): Generator<Message> {
      for (;;) {
        produced++
        yield messageOf('x'.repeat(1000))
      }
    }
    const bench = await start({ flood: () => paced(items()) })
    const client = new RawClient(bench.address)
    client.setup()
    client.socket.pause()

    client.send({ type: 'REQUEST_STREAM', id: 1, word: MOST, metadata: routeMetadata('flood', NO_BODY) })
    let last = -1
    await eventually(
      () => {
        const stands = produced > 0 && produced === last
        last = produced
        return stands
      },
      PATIENCE_MS,
      'a producer that waits',
    )

    // What the buffers of the system and of the socket take, at a kilobyte each.
    expect(produced).toBeLessThan(20_000)
    expect(await bench.echo('a')).toBe('a')
    client.cut()
  })
})

describe('a client that uploads and does not read', () => {
  it('is disconnected', () => {
    const wire = new VirtualWire({ maxQueuedBytes: 1000 }, { highWaterMarkBytes: 100 })
    const consumed$ = (call: StreamingCall): Observable<Message> => call.messages.pipe(ignoreElements())
    wire.serve(answering({ consume: consumed$ }))
    const peer = wire.unread()

    peer.request('REQUEST_CHANNEL', 1, 'consume', { n: 1 })
    wire.advance(0)
    for (let round = 0; round < 600; round++) {
      for (let count = 0; count < 64; count++) peer.item(1, count)
      wire.advance(0)
    }

    expect(wire.log).toMatchObject([{ event: 'connection.failed', fields: { reason: 'slow_peer' } }])
  })
})

describe('a client that asks for too much', () => {
  it('gets what there is, however often it asks', async () => {
    const bench = await start({ three: () => of(messageOf(1), messageOf(2), messageOf(3)) })
    const client = new RawClient(bench.address)
    client.setup()

    client.send({ type: 'REQUEST_STREAM', id: 1, word: MOST, metadata: routeMetadata('three', NO_BODY) })
    for (let count = 0; count < 100; count++) client.send({ type: 'REQUEST_N', id: 1, word: MOST - (count % 2) })
    await client.hears(4)

    expect(client.lines).toEqual(['PAYLOAD 1 N 1', 'PAYLOAD 1 N 2', 'PAYLOAD 1 N 3', 'PAYLOAD 1 C'])
    client.cut()
  })

  it('sends a payload without end', async () => {
    const bench = await start({}, { maxPayloadBytes: 1_000_000 })
    const client = new RawClient(bench.address)
    client.setup()
    const data = new Uint8Array(60_000).fill(0x20)

    client.send({ type: 'REQUEST_RESPONSE', id: 1, flags: 'F', metadata: routeMetadata('echo'), data })
    for (let count = 0; count < 200; count++) client.send({ type: 'PAYLOAD', id: 1, flags: 'NF', data })
    await client.hears(1)

    expect(client.lines).toEqual(['ERROR 1 INVALID payload_too_large'])
    expect(await bench.echo('a')).toBe('a')
    client.cut()
  })

  it('begins payloads without ending them', async () => {
    const bench = await start({}, { maxReassemblies: 100 })
    const client = new RawClient(bench.address)
    client.setup()

    for (let id = 1; id < 240; id += 2) {
      client.send({ type: 'REQUEST_RESPONSE', id, flags: 'F', metadata: routeMetadata('echo'), data: '1' })
    }
    await client.hears(20)

    expect(client.lines).toEqual(
      Array.from({ length: 20 }, (_, index) => `ERROR ${201 + 2 * index} INVALID reassembly_full`),
    )
    expect(await bench.echo('a')).toBe('a')
    client.cut()
  })

  it('spells out more routes than there are ids', async () => {
    const bench = await start({})
    const client = new RawClient(bench.address)
    client.setup()
    const idOf = (routeId: number): Uint8Array => Uint8Array.of(0x80 | (routeId & 0x7f), routeId >> 7)
    const route = (routeId: number): Uint8Array => {
      const [, , ...names] = routeMetadata('echo')
      return Uint8Array.from([1, ...idOf(routeId), ...names])
    }

    for (const [index, routeId] of [1, 1024, 1025].entries()) {
      client.send({ type: 'REQUEST_RESPONSE', id: 1 + 2 * index, metadata: route(routeId), data: '1' })
    }
    await client.hears(3)

    expect(client.lines).toEqual(['PAYLOAD 1 NC 1', 'PAYLOAD 3 NC 1', 'ERROR 5 INVALID invalid_metadata'])
    client.cut()
  })
})

describe('composite metadata', () => {
  const routing = joined([0xfe], u24(10), text('test.echo'))
  const call = (header: Uint8Array): Uint8Array =>
    joined([CALL_ENTRY.length - 1], new TextEncoder().encode(CALL_ENTRY), u24(1 + header.length), [4], header)
  const bombs: { readonly [what: string]: Uint8Array } = {
    'thousands of entries': joined(routing, ...Array.from({ length: 5000 }, () => [0x86, 0, 0, 0])),
    'many headers': joined(routing, ...Array.from({ length: 2 }, () => call(joined([1], text('a'), text('b'))))),
    'an entry longer than it': joined(routing, [0x86, 0xff, 0xff, 0xff]),
    'a long token': joined(routing, [0xfc], u24(9000), [0x81], new Uint8Array(8999).fill(0x61)),
  }

  it.each(Object.entries(bombs))('with %s is refused', (_, metadata) => {
    const wire = new VirtualWire()
    wire.serve(answering({ echo: () => of(messageOf(1)) }))
    const peer = wire.rawClient({ metadataType: COMPOSITE_METADATA })

    peer.send({ type: 'REQUEST_RESPONSE', id: 1, metadata, data: '1' })
    peer.send({ type: 'REQUEST_RESPONSE', id: 3, metadata: routing, data: '1' })
    wire.advance(0)

    expect(peer.lines().map(line => line.split(' ').slice(0, 3).join(' '))).toEqual(['ERROR 1 INVALID', 'PAYLOAD 3 NC'])
  })
})

describe('a client that never grants credit', () => {
  it('holds up a source that can wait, with an event', () => {
    let produced = 0
    const items = function* (): Generator<Message> {
      for (;;) yield messageOf(produced++)
    }
    const wire = new VirtualWire()
    wire.serve(answering({ items: () => paced(items()) }))
    const peer = wire.rawClient({ maxLifetimeMs: 60_000 })

    peer.request('REQUEST_STREAM', 1, 'items', { n: 1 })
    wire.advance(20_000)

    expect(peer.lines()).toEqual(['PAYLOAD 1 N 0'])
    expect(produced).toBeLessThanOrEqual(256)
    expect(wire.log).toMatchObject([{ level: 'warn', event: 'stalled', fields: { where: 'test.items' } }])
    peer.abort()
    wire.advance(0)
    expect(wire.accepted.map(({ running }) => running)).toEqual([0])
  })

  it('ends a source that pushes by itself', () => {
    let tornDown = false
    const wire = new VirtualWire()
    const ticks$ = timer(0, 1, wire.runtime.scheduler).pipe(
      map(index => messageOf(index)),
      tap({ unsubscribe: () => (tornDown = true) }),
    )
    wire.serve(answering({ ticks: () => ticks$ }))
    const peer = wire.rawClient()

    peer.request('REQUEST_STREAM', 1, 'ticks', { n: 1 })
    wire.advance(2000)

    expect(peer.lines()).toEqual(['PAYLOAD 1 N 0', 'ERROR 1 APPLICATION_ERROR overflow'])
    expect(tornDown).toBe(true)
  })
})
