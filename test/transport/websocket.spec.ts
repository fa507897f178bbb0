import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type Server } from 'node:http'
import {
  connect as netConnect,
  createServer as createNetServer,
  type AddressInfo,
  type Socket as NodeSocket,
} from 'node:net'
import { networkInterfaces } from 'node:os'
import { seededRuntime } from 'millrace/core'
import type { Frame, Socket } from 'millrace/transport'
import { websocket, type UpgradeRequest, type WebSocketOptions } from 'millrace/transport/websocket'
import { firstValueFrom, Subscriber, VirtualTimeScheduler } from 'rxjs'
import { afterEach, describe, expect, it } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { connect, failureOf, listenAt, receive, sendBytes, sendNumber, upTo } from '../compliance/transport-probe.js'
import { testTransport } from 'millrace/testing/compliance'
import { countingRuntime } from '../support/counting-runtime.js'
import { eventually, turns } from '../support/deadline.js'

const PATIENCE_MS = 15_000
const LOOPBACK = 'ws://127.0.0.1:0'
const hasIpv6 = Object.values(networkInterfaces()).some(list => list?.some(({ address }) => address === '::1'))

testTransport(
  { describe, it },
  {
    name: 'websocket',
    setup: () => {
      const runtime = countingRuntime()
      return {
        // A timer that is left behind outlives the test.
        transport: websocket({
          runtime,
          connectTimeoutMs: 600_000,
          closeTimeoutMs: 600_000,
          handshakeTimeoutMs: 600_000,
        }),
        anyAddress: LOOPBACK,
        deadAddress: 'ws://127.0.0.1:1',
        invalidAddresses: ['', 'localhost', 'tcp://localhost:80', 'ws://', 'ws://localhost:x/', 'ws://h:1/a b'],
        openResources: () => runtime.openTimers + handles(),
        patienceMs: PATIENCE_MS,
      }
    },
  },
)

/** What a test has opened, to be ended after it. */
const cleanups: (() => unknown)[] = []

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

describe('websocket', () => {
  it('names every option when one is misspelt', () => {
    expect(() => websocket({ tsl: {} } as object)).toThrow(/tsl: no such option, known are .*\bserver\b.*\btls\b/)
  })

  it('sends a frame as one whole binary message', async () => {
    const { raw, socket } = await rawPeer()

    sendBytes(socket, Uint8Array.of(7, 8, 9))
    sendNumber(socket, 1, 70_000)
    const bytes = await read(raw, 5 + 10 + 70_000)

    expect([...bytes.subarray(0, 5)]).toEqual([0x82, 3, 7, 8, 9])
    expect([...bytes.subarray(5, 15)]).toEqual([0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70])
  })

  it('never compresses', async () => {
    const { answer } = await rawPeer({}, 'Sec-WebSocket-Extensions: permessage-deflate\r\n')

    expect(answer).toMatch(/^HTTP\/1\.1 101 /)
    expect(answer).not.toMatch(/extensions/i)
  })

  it('reads messages that come byte by byte', async () => {
    const { raw, socket } = await rawPeer()
    const inbox = receive(socket, PATIENCE_MS)

    for (const byte of [...message(), ...message(7, 8, 9), ...message(5)]) {
      raw.write(Uint8Array.of(byte))
      await turns(2)
    }
    await inbox.received(3)

    expect(inbox.frames.map(frame => [...frame])).toEqual([[], [7, 8, 9], [5]])
  })

  it('takes a message in fragments', async () => {
    const { raw, socket } = await rawPeer()
    const inbox = receive(socket, PATIENCE_MS)

    raw.write(Uint8Array.of(0x02, 0x82, 0, 0, 0, 0, 1, 2, 0x80, 0x81, 0, 0, 0, 0, 3))
    await inbox.received(1)

    expect([...(inbox.frames[0] ?? [])]).toEqual([1, 2, 3])
  })

  it('refuses a message above the limit by its length', async () => {
    const { raw, socket } = await rawPeer({ maxFrameBytes: 1000 })
    const inbox = receive(socket, PATIENCE_MS)

    raw.write(Uint8Array.of(0x82, 0xfe, 1001 >> 8, 1001 & 0xff))
    const ending = await inbox.ended()

    expect(ending).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'frame_too_large' })
    expect(String(ending)).toContain('a frame longer than allowed, at most 1000 bytes')
  })

  it('takes a message of exactly the limit', async () => {
    const { client, server } = await connected({ maxFrameBytes: 1000 })
    const inbox = receive(server, PATIENCE_MS)

    sendNumber(client, 1, 1000)
    await inbox.received(1)

    expect(inbox.frames[0]).toHaveLength(1000)
  })

  it.each([
    ['text', Uint8Array.of(0x81, 0x81, 0, 0, 0, 0, 0x41), 1003],
    ['a message above the limit', Uint8Array.of(0x82, 0xff, 0, 0, 0, 0, 1, 0, 0, 0), 1009],
  ])('can tell the peer after refusing %s', async (_what, bytes, code) => {
    const { raw, socket } = await rawPeer({ closeTimeoutMs: 20 })
    const inbox = receive(socket, PATIENCE_MS)

    raw.write(bytes)
    await inbox.ended()
    const sent = sendBytes(socket, Uint8Array.of(7))
    socket.close()
    const answer = Buffer.concat((await raw.toArray()) as Buffer[])

    expect(sent).toBe(true)
    expect([...answer]).toEqual([0x82, 1, 7, 0x88, 2, code >> 8, code & 0xff])
  })

  it('fails on a text message', async () => {
    const { raw, socket } = await rawPeer()
    const inbox = receive(socket, PATIENCE_MS)

    raw.write(Uint8Array.of(0x81, 0x82, 0, 0, 0, 0, 0x41, 0x42, ...message(1)))
    const ending = await inbox.ended()

    expect(ending).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'text_message' })
    expect(String(ending)).toContain('a text message of 2 bytes, frames are binary')
    expect(inbox.frames).toEqual([])
  })

  it.each([1001, Number.MAX_VALUE])('closes by itself after refusing a message of %d bytes', async length => {
    const { raw, socket } = await rawPeer({ maxFrameBytes: 1000, closeTimeoutMs: 10 })
    receive(socket, PATIENCE_MS)

    raw.write(Uint8Array.of(0x82, 0xff, ...(length === 1001 ? [0, 0] : [0xff, 0xff]), 0, 0, 0, 0, 0x03, 0xe9))
    const answer = Buffer.concat((await raw.toArray()) as Buffer[])

    expect([...answer]).toEqual([0x88, 2, 1009 >> 8, 1009 & 0xff])
  })

  it('fails on what is no WebSocket message', async () => {
    const { raw, socket } = await rawPeer()
    const inbox = receive(socket, PATIENCE_MS)

    raw.write(Uint8Array.of(0x82, 1, 7))
    const ending = await inbox.ended()

    expect(ending).toMatchObject({ code: 'UNAVAILABLE', reason: 'connection_lost' })
    expect(String(ending)).toContain('it sent what is no WebSocket message')
  })

  it('fails when the peer resets the connection', async () => {
    const { raw, socket } = await rawPeer()
    const inbox = receive(socket, PATIENCE_MS)

    raw.resetAndDestroy()
    const ending = await inbox.ended()

    expect(ending).toMatchObject({ reason: 'connection_lost', cause: { code: 'ECONNRESET' } })
    expect(String(ending)).toContain(socket.remote)
  })

  it('fails when the peer ends without a closing frame', async () => {
    const { raw, socket } = await rawPeer()
    const inbox = receive(socket, PATIENCE_MS)

    raw.end()
    const ending = await inbox.ended()

    expect(ending).toMatchObject({ reason: 'connection_lost' })
    expect(String(ending)).toContain('it ended without a goodbye')
  })

  it.each([
    [1000, 'completed'],
    [1001, 'completed'],
    [1011, expect.objectContaining({ message: expect.stringContaining('code 1011 (server failure: bye)') })],
    [4003, expect.objectContaining({ message: expect.stringContaining('4003 (only binary messages are taken: bye)') })],
    [4999, expect.objectContaining({ message: expect.stringContaining('code 4999 (bye)') })],
  ])('ends as close code %d says', async (code, expected) => {
    const { peer, socket } = await wsPeer()
    const inbox = receive(socket, PATIENCE_MS)

    peer.close(code, 'bye')

    expect(await inbox.ended()).toEqual(expected)
  })

  it('learns that the peer has closed though nobody reads', async () => {
    const connection = await connected({ closeTimeoutMs: 60_000 })
    const inbox = receive(connection.server, PATIENCE_MS)

    sendNumber(connection.server, 1)
    connection.client.close()

    expect(await inbox.ended()).toBe('completed')
    await eventually(() => connection.dialEnding === 'completed', PATIENCE_MS, 'the end of the dial')
  })

  it('does not wait for a peer that never closes', async () => {
    const { socket } = await rawPeer({ closeTimeoutMs: 20 })
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

  it('does not wait for a leaving peer that never reads', async () => {
    const { raw, socket } = await rawPeer({ closeTimeoutMs: 20 })
    const inbox = receive(socket, PATIENCE_MS)
    raw.pause()

    sendNumber(socket, 1, 0xff_ffff)
    raw.write(Uint8Array.of(0x88, 0x80, 0, 0, 0, 0))
    const ending = await inbox.ended()

    expect(ending).toMatchObject({ reason: 'connection_lost' })
    expect(sendNumber(socket, 1)).toBe(false)
  })

  it('closes when a hand-made subscriber throws', async () => {
    const { raw, socket } = await rawPeer()
    const failed = new Promise(resolve => socket.inbound.subscribe(new ThrowingSubscriber(resolve)))

    raw.write(message(1))

    expect(await failed).toMatchObject({ code: 'INTERNAL', reason: 'inbound_subscriber_threw' })
    await expect(raw.toArray()).resolves.toEqual([])
  })

  it('writes what a turn sends at once', async () => {
    const { socket, writes } = await countedWrites({ flushFrames: 1000 })

    for (const number of upTo(500)) sendNumber(socket, number, 97)
    const during = writes.length
    await eventually(() => writes.length > 0, PATIENCE_MS, 'the write')

    expect(during).toBe(0)
    expect(writes).toEqual([500])
  })

  it('writes within the turn when enough frames wait', async () => {
    const { socket, writes } = await countedWrites({ flushFrames: 16 })

    for (const number of upTo(40)) sendNumber(socket, number, 97)
    const during = [...writes]
    await eventually(() => writes.length > 2, PATIENCE_MS, 'the last write')

    expect(during.slice(0, 1)).toEqual([16])
    expect(writes.reduce((sum, count) => sum + count)).toBe(40)
  })

  it('has no timer while a connection is open', async () => {
    const runtime = countingRuntime()

    await connected({ runtime })

    expect(runtime.openTimers).toBe(0)
  })
})

describe('websocket dial', () => {
  it('gives up when no answer comes', async () => {
    const scheduler = new VirtualTimeScheduler()
    const transport = websocket({ runtime: seededRuntime({ scheduler, seed: 1 }), connectTimeoutMs: 300 })
    const silent = createNetServer().listen({ host: '127.0.0.1', port: 0 })
    cleanups.push(() => silent.close())
    await once(silent, 'listening')

    const failing = failureOf(transport.dial(`127.0.0.1:${portOf(silent)}`), PATIENCE_MS)
    scheduler.flush()
    const failure = await failing

    expect(failure).toMatchObject({ code: 'UNAVAILABLE', reason: 'connect_failed', retry: { safe: true } })
    expect(String(failure)).toContain('no answer within 300 ms')
  })

  it('explains why nobody answers', async () => {
    const failure = await failureOf(websocket().dial('ws://127.0.0.1:1'), PATIENCE_MS)

    expect(String(failure)).toBe(
      'RpcError: [UNAVAILABLE] cannot connect to ws://127.0.0.1:1: nobody listens there (ECONNREFUSED)',
    )
  })

  it('explains an answer that is no WebSocket', async () => {
    const server = await httpServer()

    const failure = await failureOf(websocket().dial(`ws://127.0.0.1:${portOf(server)}`), PATIENCE_MS)

    expect(String(failure)).toContain('Unexpected server response: 200')
  })

  it('takes an address without scheme and path', async () => {
    const { listener } = await listening(LOOPBACK)

    const socket = await opened(listener.address.replace('ws://', ''))

    expect(socket.remote).toBe(listener.address)
  })

  it('sends header fields with its request', async () => {
    const { requests, listener } = await judged(true)

    await opened(`${listener.address}?page=1`, { headers: { Authorization: 'Bearer x', Origin: 'https://a.example' } })

    expect(requests).toMatchObject([
      { path: '/calls?page=1', origin: 'https://a.example', headers: { authorization: 'Bearer x' } },
    ])
  })

  it.each([{ a: 'b\r\nsecret: c' }, { 'a b': 'secret' }, 'secret'])('refuses %o as header fields, untold', headers => {
    const refused = (): unknown => websocket({ headers: headers as Record<string, string> })

    expect(refused).toThrow(/headers: (?!.*secret)/)
  })
})

describe('websocket listen', () => {
  it('takes the first free port of a range', async () => {
    const first = portOf(await httpServer())

    const { listener } = await listening(`ws://127.0.0.1:${first}-${Math.min(first + 20, 65_535)}/calls`)

    const [, port] = /^ws:\/\/127\.0\.0\.1:(\d+)\/calls$/.exec(listener.address) ?? []
    expect(Number(port)).toBeGreaterThan(first)
  })

  it.each([':0', 'ws://:0', '0.0.0.0:0'])('tells an address to dial when listening at %s', async address => {
    const { client, listener } = await connected({}, address)

    expect(listener.address).toMatch(/^ws:\/\/\d/)
    expect(listener.address).not.toContain('0.0.0.0')
    expect(client.remote).toBe(listener.address)
  })

  it.skipIf(!hasIpv6)('speaks IPv6', async () => {
    const { client, server, listener } = await connected({}, '[::1]:0')
    const inbox = receive(server, PATIENCE_MS)

    for (const number of upTo(10)) sendNumber(client, number)
    await inbox.received(10)

    expect(listener.address).toMatch(/^ws:\/\/\[::1\]:\d+$/)
    expect(inbox.numbers).toEqual(upTo(10))
  })

  it.each([
    ['nothing', ''],
    ['half a request', 'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: webso'],
  ])('cuts off a client that sends %s', async (_what, text) => {
    const { listener } = await listening(LOOPBACK, { handshakeTimeoutMs: 30 })
    const raw = rawConnection(listener.address)

    raw.write(text)

    await expect(raw.toArray()).resolves.toEqual([])
  })

  it('answers a page request with 426', async () => {
    const { listener } = await listening(LOOPBACK)

    expect(await statusOf(listener.address.replace('ws:', 'http:'))).toBe(426)
  })

  it('answers another path with 404', async () => {
    const { listener } = await listening('ws://127.0.0.1:0/calls')

    const failure = await failureOf(websocket().dial(listener.address.replace('calls', 'other')), PATIENCE_MS)

    expect(String(failure)).toContain('404')
  })

  it.each([
    ['says no', false, '403'],
    ['throws', new TypeError('flawed'), '500'],
  ])('refuses a client where accept %s', async (_what, verdict, status) => {
    const { listener } = await judged(verdict)

    const failure = await failureOf(websocket().dial(listener.address), PATIENCE_MS)

    expect(failure).toMatchObject({ code: 'UNAVAILABLE', reason: 'connect_failed' })
    expect(String(failure)).toContain(status)
  })

  it('names every option that is wrong', () => {
    const options: object = { maxFrameBytes: 2 ** 24, accept: true, compress: true }

    expect(() => websocket(options)).toThrow(/maxFrameBytes.*accept.*compress/)
  })
})

describe('websocket with a server of its caller', () => {
  it('leaves pages to the server', async () => {
    const server = await httpServer()
    const { listener } = await listening(':0/calls', { server })

    await opened(listener.address)

    expect(listener.address).toMatch(new RegExp(`^ws://[^/]+:${portOf(server)}/calls$`))
    expect(await statusOf(`http://127.0.0.1:${portOf(server)}/`)).toBe(200)
  })

  it('waits until the server listens', async () => {
    const server = createServer()
    cleanups.push(() => server.close())
    const listener = listening(':0', { server })

    server.listen({ host: '127.0.0.1', port: 0 })

    expect((await listener).listener.address).toBe(`ws://127.0.0.1:${portOf(server)}`)
  })

  it('has one listener a path', async () => {
    const server = await httpServer()
    const first = await listening(':0/a', { server })
    const second = await listening(':0/b', { server })

    const failure = await failureOf(websocket({ server }).listen(':0/a'), PATIENCE_MS)

    expect(failure).toMatchObject({ reason: 'listen_failed' })
    await Promise.all([opened(first.listener.address), opened(second.listener.address)])
  })

  it('fails at another port than the server has', async () => {
    const server = await httpServer()

    const failure = await failureOf(websocket({ server }).listen('127.0.0.1:1'), PATIENCE_MS)

    expect(String(failure)).toContain(`the server listens on port ${portOf(server)}`)
  })

  it('answers paths that nobody wants with 404', async () => {
    const server = await httpServer()
    await listening(':0/a', { server })

    const failure = await failureOf(websocket().dial(`127.0.0.1:${portOf(server)}/b`), PATIENCE_MS)

    expect(String(failure)).toContain('404')
  })

  it('leaves other paths to others', async () => {
    const server = await httpServer()
    await listening(':0/a', { server })
    const others = new WebSocketServer({ server, path: '/b' })
    others.on('connection', peer => peer.send('theirs'))

    const socket = await opened(`ws://127.0.0.1:${portOf(server)}/b`)

    expect(await receive(socket, PATIENCE_MS).ended()).toMatchObject({ reason: 'text_message' })
  })

  it('gives the server back', async () => {
    const server = await httpServer()
    const { held } = await listening(':0/a', { server })

    held.unsubscribe()

    expect(server.listenerCount('upgrade')).toBe(0)
    expect(server.listening).toBe(true)
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

/** A whole, masked binary message of a client, its mask being zero. */
function message(...bytes: number[]): Uint8Array {
  return Uint8Array.of(0x82, 0x80 | bytes.length, 0, 0, 0, 0, ...bytes)
}

async function listening(
  address: string,
  options: WebSocketOptions = {},
): Promise<{ listener: Awaited<ReturnType<typeof listenAt>>['listener']; held: { unsubscribe(): void } }> {
  const { listener, listening: held } = await listenAt(websocket(options), address, PATIENCE_MS)
  held.add(listener.sockets.subscribe())
  cleanups.push(() => held.unsubscribe())
  return { listener, held }
}

async function connected(options: WebSocketOptions = {}, address = LOOPBACK): ReturnType<typeof connect> {
  const connection = await connect(websocket(options), address, PATIENCE_MS)
  cleanups.push(
    () => connection.dialing.unsubscribe(),
    () => connection.listening.unsubscribe(),
  )
  return connection
}

/** A listener at /calls whose `accept` gives or throws `verdict`, and the requests that it was asked about. */
async function judged(
  verdict: boolean | Error,
): Promise<Pick<Awaited<ReturnType<typeof listening>>, 'listener'> & { requests: UpgradeRequest[] }> {
  const requests: UpgradeRequest[] = []
  const accept = (request: UpgradeRequest): boolean => {
    requests.push(request)
    if (typeof verdict !== 'boolean') throw verdict
    return verdict
  }
  const { listener } = await listening('ws://127.0.0.1:0/calls', { accept })
  return { listener, requests }
}

async function opened(address: string, options: WebSocketOptions = {}): Promise<Socket> {
  const socket = new Promise<Socket>((resolve, reject) => {
    const dialing = websocket(options).dial(address).subscribe({ next: resolve, error: reject })
    cleanups.push(() => dialing.unsubscribe())
  })
  return socket
}

/** A socket that listens, and a client of it by hand. */
async function rawPeer(
  options: WebSocketOptions = {},
  fields = '',
): Promise<{ raw: NodeSocket; socket: Socket; answer: string }> {
  const { listener, listening: held } = await listenAt(websocket(options), LOOPBACK, PATIENCE_MS)
  const accepted = firstValueFrom(listener.sockets)
  const raw = rawConnection(listener.address)
  cleanups.push(() => held.unsubscribe())
  raw.write(
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${fields}\r\n`,
  )
  const [answer] = (await once(raw, 'data')) as [Buffer]
  return { raw, socket: await accepted, answer: answer.toString() }
}

/** A socket that has dialled, and the server of `ws` that it has reached. */
async function wsPeer(): Promise<{ peer: WebSocket; socket: Socket }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  cleanups.push(() => server.close())
  await once(server, 'listening')
  const arrived = once(server, 'connection') as Promise<[WebSocket]>
  const socket = await opened(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const [peer] = await arrived
  return { peer, socket }
}

/** A socket, and how many messages each of its writes to the system carries. */
async function countedWrites(options: WebSocketOptions): Promise<{ socket: Socket; writes: number[] }> {
  const server = await httpServer()
  const writes: number[] = []
  server.on('upgrade', ({ socket }: IncomingMessage) => {
    type Chunks = readonly { readonly chunk: Buffer }[]
    const inner = socket as unknown as { _writev: (chunks: Chunks, done: () => void) => void }
    const writev = inner._writev.bind(socket)
    inner._writev = (chunks, done) => {
      writes.push(chunks.filter(({ chunk }) => chunk.length === 97).length)
      writev(chunks, done)
    }
  })
  const { client, server: socket } = await connected({ ...options, server }, ':0')
  receive(client, PATIENCE_MS)
  return { socket, writes }
}

async function httpServer(): Promise<Server> {
  const server = createServer((_request, response) => response.end('page')).listen({ host: '127.0.0.1', port: 0 })
  cleanups.push(() => server.close())
  await once(server, 'listening')
  return server
}

function rawConnection(address: string): NodeSocket {
  const raw = netConnect({ host: '127.0.0.1', port: Number(new URL(address).port), noDelay: true })
  cleanups.push(() => raw.destroy())
  return raw
}

/** The next `length` bytes. */
async function read(raw: NodeSocket, length: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  raw.on('data', (chunk: Buffer) => chunks.push(chunk))
  const count = (): number => chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  await eventually(() => count() >= length, PATIENCE_MS, `byte ${length}`)
  return Buffer.concat(chunks)
}

async function statusOf(url: string): Promise<number | undefined> {
  const [response] = (await once(get(url), 'response')) as [IncomingMessage]
  response.resume()
  return response.statusCode
}

function portOf(server: { address(): unknown }): number {
  return (server.address() as AddressInfo).port
}

/** Sockets and servers of TCP that this process holds. */
function handles(): number {
  return process.getActiveResourcesInfo().filter(name => name.startsWith('TCP')).length
}
