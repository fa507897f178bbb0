import { once } from 'node:events'
import { connect as netConnect, createServer, type AddressInfo, type Socket as NodeSocket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { seededRuntime } from 'millrace/core'
import type { Frame, Socket } from 'millrace/transport'
import { tcp } from 'millrace/transport/tcp'
import { config, firstValueFrom, Subscriber, VirtualTimeScheduler } from 'rxjs'
import { afterEach, describe, expect, it } from 'vitest'
import { receive, connect, failureOf, listenAt, sendBytes, sendNumber, upTo } from '../compliance/transport-probe.js'
import { testTransport } from 'millrace/testing/compliance'
import { countingRuntime } from '../support/counting-runtime.js'
import { eventually, turns } from '../support/deadline.js'

const PATIENCE_MS = 5000
const hasIpv6 = Object.values(networkInterfaces()).some(list => list?.some(({ address }) => address === '::1'))

testTransport(
  { describe, it },
  {
    name: 'tcp',
    setup: () => {
      const runtime = countingRuntime()
      return {
        // A timer that is left behind outlives the test.
        transport: tcp({ runtime, connectTimeoutMs: 600_000, closeTimeoutMs: 600_000 }),
        anyAddress: '127.0.0.1:0',
        deadAddress: '127.0.0.1:1',
        invalidAddresses: ['', 'localhost', 'localhost:x', '::1:80', '127.0.0.1:65536'],
        openResources: () => runtime.openTimers + handles(),
      }
    },
  },
)

/** What a test has opened, to be ended after it. */
const cleanups: (() => unknown)[] = []

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

describe('tcp', () => {
  it('names every option when one is misspelt', () => {
    expect(() => tcp({ tsl: {} } as object)).toThrow(/tsl: no such option, known are .*\balpn\b.*\btls\b/)
  })

  it('reads frames that come byte by byte', async () => {
    const { raw, socket } = await rawPeer()
    const inbox = receive(socket, PATIENCE_MS)

    for (const byte of [0, 0, 0, 0, 0, 3, 7, 8, 9, 0, 0, 1, 5]) {
      raw.write(Uint8Array.of(byte))
      await turns(2)
    }
    await inbox.received(3)

    expect(inbox.frames.map(frame => [...frame])).toEqual([[], [7, 8, 9], [5]])
  })

  it('puts a length of three bytes before a frame', async () => {
    const { raw, socket } = await rawPeer()

    sendBytes(socket, Uint8Array.of(7, 8, 9))

    const [chunk] = (await once(raw, 'data')) as [Buffer]
    expect([...chunk]).toEqual([0, 0, 3, 7, 8, 9])
  })

  it('refuses garbage, and can still tell the peer', async () => {
    const { raw, socket } = await rawPeer({ maxFrameBytes: 1000 })
    const inbox = receive(socket, PATIENCE_MS)

    raw.write('GET / HTTP/1.1\r\n\r\n')
    const ending = await inbox.ended()
    const sent = sendBytes(socket, Uint8Array.of(7))
    socket.close()
    const chunks = await raw.toArray()

    expect(ending).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'frame_too_large' })
    expect(String(ending)).toContain('4670804 bytes, at most 1000')
    expect(sent).toBe(true)
    expect(Buffer.concat(chunks)).toEqual(Buffer.of(0, 0, 1, 7))
  })

  it('closes by itself after refusing a frame', async () => {
    const { raw, socket } = await rawPeer({ maxFrameBytes: 1000, closeTimeoutMs: 10 })
    receive(socket, PATIENCE_MS)

    raw.write(Uint8Array.of(0xff, 0xff, 0xff))

    await expect(raw.toArray()).resolves.toEqual([])
  })

  it('fails when a peer closes within a frame', async () => {
    const { raw, socket } = await rawPeer()
    const inbox = receive(socket, PATIENCE_MS)

    raw.end(Uint8Array.of(0, 0, 9, 1, 2))
    const ending = await inbox.ended()

    expect(ending).toMatchObject({ code: 'UNAVAILABLE', reason: 'connection_lost' })
    expect(String(ending)).toContain('2 of 9 bytes of a frame')
  })

  it('fails when the peer resets the connection', async () => {
    const { raw, socket } = await rawPeer()
    const inbox = receive(socket, PATIENCE_MS)

    raw.resetAndDestroy()
    const ending = await inbox.ended()

    expect(ending).toMatchObject({ reason: 'connection_lost', cause: { code: 'ECONNRESET' } })
    expect(String(ending)).toContain(socket.remote)
  })

  it('learns that the peer has closed though nobody reads', async () => {
    const connection = await connect(tcp({ closeTimeoutMs: 60_000 }), '127.0.0.1:0', PATIENCE_MS)
    cleanups.push(() => connection.listening.unsubscribe())
    const inbox = receive(connection.server, PATIENCE_MS)

    sendNumber(connection.server, 1)
    connection.client.close()

    expect(await inbox.ended()).toBe('completed')
    await eventually(() => connection.dialEnding === 'completed', PATIENCE_MS, 'the end of the dial')
  })

  it('does not wait for a peer that never closes', async () => {
    const { socket } = await rawPeer({ closeTimeoutMs: 20 }, { allowHalfOpen: true })
    const inbox = receive(socket, PATIENCE_MS)

    socket.close()

    expect(await inbox.ended()).toBe('completed')
  })

  it('does not wait for a peer that never reads', async () => {
    const { raw, socket } = await rawPeer({ closeTimeoutMs: 20 })
    const inbox = receive(socket, PATIENCE_MS)
    raw.pause()

    sendNumber(socket, 1, 0xff_ffff)
    socket.close()
    const ending = await inbox.ended()

    expect(ending).toMatchObject({ reason: 'connection_lost' })
    expect(String(ending)).toMatch(/took none of \d+ bytes for 20 ms/)
  })

  it('closes when a hand-made subscriber throws', async () => {
    const { raw, socket } = await rawPeer()
    const failed = new Promise(resolve => socket.inbound.subscribe(new ThrowingSubscriber(resolve)))

    raw.write(Uint8Array.of(0, 0, 0))

    expect(await failed).toMatchObject({ code: 'INTERNAL', reason: 'inbound_subscriber_threw' })
    await expect(raw.toArray()).resolves.toEqual([])
  })

  it('reads on when an observer throws', async () => {
    const { raw, socket } = await rawPeer()
    const reported: unknown[] = []
    config.onUnhandledError = error => reported.push(error)
    let frames = 0
    socket.inbound.subscribe(() => {
      frames++
      throw new TypeError('flawed')
    })

    raw.write(Uint8Array.of(0, 0, 0, 0, 0, 0))
    await eventually(() => reported.length === 2, PATIENCE_MS, 'both reports')
    config.onUnhandledError = null

    expect(frames).toBe(2)
  })

  it('has no timer while a connection is open', async () => {
    const runtime = countingRuntime()
    const { dialing, listening } = await connect(tcp({ runtime }), '127.0.0.1:0', PATIENCE_MS)
    cleanups.push(
      () => dialing.unsubscribe(),
      () => listening.unsubscribe(),
    )

    expect(runtime.openTimers).toBe(0)
  })

  it('gives up when no answer comes', async () => {
    const scheduler = new VirtualTimeScheduler()
    const { listener, listening } = await listenAt(tcp(), '127.0.0.1:0', PATIENCE_MS)
    cleanups.push(() => listening.unsubscribe())
    const transport = tcp({ runtime: seededRuntime({ scheduler, seed: 1 }), connectTimeoutMs: 300 })

    const failing = failureOf(transport.dial(listener.address), PATIENCE_MS)
    scheduler.flush()
    const failure = await failing

    expect(failure).toMatchObject({ code: 'UNAVAILABLE', reason: 'connect_failed', retry: { safe: true } })
    expect(String(failure)).toContain('no answer within 300 ms')
  })

  it('explains why nobody answers', async () => {
    const failure = await failureOf(tcp().dial('127.0.0.1:1'), PATIENCE_MS)

    expect(String(failure)).toBe(
      'RpcError: [UNAVAILABLE] cannot connect to 127.0.0.1:1: nobody listens there (ECONNREFUSED)',
    )
  })

  it('takes the first free port of a range', async () => {
    const first = await takenPort()
    const range = `127.0.0.1:${first}-${Math.min(first + 20, 65_535)}`

    const { listener, listening } = await listenAt(tcp(), range, PATIENCE_MS)
    cleanups.push(() => listening.unsubscribe())

    const port = Number(listener.address.split(':')[1])
    expect(port).toBeGreaterThan(first)
  })

  it('fails when every port of a range is taken', async () => {
    const first = await takenPort()

    const failure = await failureOf(tcp().listen(`127.0.0.1:${first}-${first}`), PATIENCE_MS)

    expect(failure).toMatchObject({ code: 'UNAVAILABLE', reason: 'listen_failed', cause: { code: 'EADDRINUSE' } })
  })

  it.each([':0', '0.0.0.0:0'])('tells an address to dial when listening at %s', async address => {
    const { client, listener, dialing, listening } = await connect(tcp(), address, PATIENCE_MS)
    cleanups.push(
      () => dialing.unsubscribe(),
      () => listening.unsubscribe(),
    )

    expect(listener.address).not.toMatch(/^(?:0\.0\.0\.0|\[::\]|):/)
    expect(client.remote).toBe(listener.address)
  })

  it.skipIf(!hasIpv6)('speaks IPv6', async () => {
    const { client, server, listener, dialing, listening } = await connect(tcp(), '[::1]:0', PATIENCE_MS)
    cleanups.push(
      () => dialing.unsubscribe(),
      () => listening.unsubscribe(),
    )
    const inbox = receive(server, PATIENCE_MS)

    for (const number of upTo(10)) sendNumber(client, number)
    await inbox.received(10)

    expect(listener.address).toMatch(/^\[::1\]:\d+$/)
    expect(inbox.numbers).toEqual(upTo(10))
  })

  it('names every option that is wrong', () => {
    const options: object = { maxFrameBytes: 2 ** 24, flushFrames: 0, noDelay: true }

    expect(() => tcp(options)).toThrow(/maxFrameBytes.*flushFrames.*noDelay/)
  })
})

/** A subscriber without the guards that RxJS gives to plain observers. */
class ThrowingSubscriber extends Subscriber<Frame> {
  constructor(failed: (error: unknown) => void) {
    super({ next: () => {}, error: failed, complete: () => {} })
  }

  override next(): void {
    throw new TypeError('flawed')
  }
}

/** A socket of the transport whose peer is a plain socket of Node. */
async function rawPeer(
  options: Parameters<typeof tcp>[0] = {},
  { allowHalfOpen = false } = {},
): Promise<{ raw: NodeSocket; socket: Socket }> {
  const { listener, listening } = await listenAt(tcp(options), '127.0.0.1:0', PATIENCE_MS)
  const accepted = firstValueFrom(listener.sockets)
  const raw = netConnect({
    host: '127.0.0.1',
    port: Number(listener.address.split(':')[1]),
    noDelay: true,
    allowHalfOpen,
  })
  cleanups.push(
    () => raw.destroy(),
    () => listening.unsubscribe(),
  )
  return { raw, socket: await accepted }
}

/** A port of this machine that somebody listens on. */
async function takenPort(): Promise<number> {
  const server = createServer().listen({ host: '127.0.0.1', port: 0 })
  cleanups.push(() => server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Sockets and servers of TCP that this process holds. */
function handles(): number {
  return process.getActiveResourcesInfo().filter(name => name.startsWith('TCP')).length
}
