import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Socket } from 'millrace/transport'
import { websocket, type WebSocketClientOptions } from 'millrace/transport/websocket'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { browserWebsocket } from '../../src/transport/websocket/browser-websocket.js'
import { failureOf, receive, sendBytes, sendNumber } from '../compliance/transport-probe.js'
import { testTransport, type TransportSetup } from 'millrace/testing/compliance'
import { countingRuntime } from '../support/counting-runtime.js'
import { eventually } from '../support/deadline.js'

const PATIENCE_MS = 15_000
const platform = globalThis as { WebSocket?: unknown }
const own = platform.WebSocket

/**
 * `ws` has the interface of the platform's WebSocket, and every version of Node can load it; only, as an emitter of
 * Node it wants its errors heard. What is special about a real browser is tested in test/browser.
 */
class PlatformWebSocket extends WebSocket {
  constructor(url: string) {
    super(url)
    this.on('error', () => {})
  }
}

beforeAll(() => {
  platform.WebSocket = PlatformWebSocket
})

afterAll(() => {
  platform.WebSocket = own
})

/** What a test has opened, to be ended after it. */
const cleanups: (() => unknown)[] = []

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

const withListenerOfNode = (): TransportSetup => {
  const runtime = countingRuntime()
  const options = { runtime, connectTimeoutMs: 600_000, closeTimeoutMs: 600_000 }
  const node = websocket({ ...options, handshakeTimeoutMs: 600_000 })
  const browser = browserWebsocket(options)
  return {
    transport: { name: node.name, listen: node.listen, dial: browser.dial },
    anyAddress: 'ws://127.0.0.1:0',
    deadAddress: 'ws://127.0.0.1:1',
    invalidAddresses: ['', 'localhost', 'tcp://localhost:80', 'ws://localhost:x/'],
    openResources: () => runtime.openTimers + handles(),
    patienceMs: PATIENCE_MS,
  }
}

testTransport(
  { describe, it },
  { name: 'browserWebsocket, with a listener in Node', setup: withListenerOfNode, lacks: ['ownAddress'] },
)

describe('browserWebsocket', () => {
  it('does not listen', async () => {
    const failure = await failureOf(browserWebsocket().listen(':0'), PATIENCE_MS)

    expect(failure).toMatchObject({ code: 'UNAVAILABLE', reason: 'listen_failed' })
  })

  it('says that the platform has no WebSocket', async () => {
    platform.WebSocket = undefined
    const failure = await failureOf(browserWebsocket().dial('ws://127.0.0.1:1'), PATIENCE_MS)
    platform.WebSocket = PlatformWebSocket

    expect(String(failure)).toContain('this platform has no WebSocket')
  })

  it('refuses text, and tells the peer', async () => {
    const { peer, socket } = await dialled()
    const inbox = receive(socket, PATIENCE_MS)

    peer.send('text')
    const ending = await inbox.ended()
    sendBytes(socket, Uint8Array.of(7))
    const [told] = (await once(peer, 'message')) as [Buffer]
    socket.close()
    const [code] = (await once(peer, 'close')) as [number]

    expect(ending).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'text_message' })
    expect([[...told], code]).toEqual([[7], 4003])
  })

  it('refuses a message above the limit, and tells the peer', async () => {
    const { peer, socket } = await dialled({ maxFrameBytes: 10 })
    const inbox = receive(socket, PATIENCE_MS)

    peer.send(new Uint8Array(11))
    const ending = await inbox.ended()
    socket.close()
    const [code] = (await once(peer, 'close')) as [number]

    expect(ending).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'frame_too_large' })
    expect(String(ending)).toContain('a frame of 11 bytes, at most 10')
    expect(code).toBe(4009)
  })

  it('keeps early frames up to a limit', async () => {
    const { peer, socket, ending } = await dialled({ maxFrameBytes: 10 })

    for (let count = 0; count < 3; count++) peer.send(new Uint8Array(4))
    await eventually(() => ending.length > 0, PATIENCE_MS, 'the end of the dial')
    const inbox = receive(socket, PATIENCE_MS)

    expect(await inbox.ended()).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'inbound_overflow' })
  })

  it('has no timer but while it waits for writable', async () => {
    const runtime = countingRuntime()
    const { socket } = await dialled({ runtime, highWaterMarkBytes: 1000 })
    const idle = runtime.openTimers
    let writable = 0
    socket.writable.subscribe(() => writable++)

    sendNumber(socket, 1, 2000)
    const waiting = runtime.openTimers
    await eventually(() => writable > 0, PATIENCE_MS, 'writable')

    expect([idle, waiting, runtime.openTimers]).toEqual([0, 1, 0])
  })
})

/** A socket of a browser whose peer is one of `ws`, and how its dial ended. */
async function dialled(
  options: WebSocketClientOptions = {},
): Promise<{ peer: WebSocket; socket: Socket; ending: unknown[] }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  cleanups.push(() => server.close())
  await once(server, 'listening')
  const arrived = once(server, 'connection') as Promise<[WebSocket]>
  const ending: unknown[] = []
  const socket = await new Promise<Socket>((resolve, reject) => {
    const dial = browserWebsocket(options).dial(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const dialing = dial.subscribe({
      next: resolve,
      error: error => {
        ending.push(error)
        reject(error as Error)
      },
    })
    cleanups.push(() => dialing.unsubscribe())
  })
  const [peer] = await arrived
  return { peer, socket, ending }
}

function handles(): number {
  return process.getActiveResourcesInfo().filter(name => name.startsWith('TCP')).length
}
