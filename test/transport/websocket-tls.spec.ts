import { once } from 'node:events'
import { createServer as createHttpsServer } from 'node:https'
import { createServer as createNetServer, type AddressInfo } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import { silentLog } from 'millrace/core'
import type { TlsIdentity, TlsOptions } from 'millrace/transport/tls'
import { websocket, type WebSocketOptions } from 'millrace/transport/websocket'
import { BehaviorSubject } from 'rxjs'
import { afterEach, describe, expect, it } from 'vitest'
import { connect, failureOf, listenAt, receive, sendNumber } from '../compliance/transport-probe.js'
import { testTransport } from 'millrace/testing/compliance'
import { certificate, identity } from '../support/certificates.js'
import { countingRuntime } from '../support/counting-runtime.js'
import { eventually } from '../support/deadline.js'

const PATIENCE_MS = 15_000
const LOOPBACK = 'wss://127.0.0.1:0'
const ca = certificate('authority')
const served: TlsOptions = { identity: identity('server'), ca, log: silentLog }
const mutual: TlsOptions = { ...served, requireClientCertificate: true }

testTransport(
  { describe, it },
  {
    name: 'websocket with mutual tls',
    setup: () => {
      const runtime = countingRuntime()
      const patient = { connectTimeoutMs: 600_000, closeTimeoutMs: 600_000, handshakeTimeoutMs: 600_000 }
      return {
        transport: websocket({ runtime, tls: mutual, ...patient }),
        anyAddress: '127.0.0.1:0',
        deadAddress: 'wss://127.0.0.1:1',
        invalidAddresses: ['', 'localhost', 'ws://127.0.0.1:1', 'wss://localhost:x/'],
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

describe('websocket with tls', () => {
  it('tells each end who the other is', async () => {
    const { client, server } = await connected({ tls: mutual })

    expect(client.remote).toMatch(/^wss:\/\/127\.0\.0\.1:\d+$/)
    expect(client.peerCertificate?.names).toContain('DNS:localhost')
    expect(server.peerCertificate?.fingerprint256).toBe(client.peerCertificate?.fingerprint256)
  })

  it('takes a new certificate while connections are open', async () => {
    const identity$ = new BehaviorSubject<TlsIdentity>(identity('server'))
    const { client, server, listener } = await connected({ tls: { ...served, identity: identity$ } })
    const inbox = receive(server, PATIENCE_MS)

    identity$.next(identity('renewed'))
    const later = await dialled(listener.address, { tls: { ca } })
    sendNumber(client, 1)
    await inbox.received(1)

    expect(later.peerCertificate?.fingerprint256).not.toBe(client.peerCertificate?.fingerprint256)
  })

  it.each([
    ['an authority that is not trusted', {}, 'unknown_issuer'],
    ['another name', { ca, serverName: 'other.example' }, 'wrong_host'],
  ])('names %s', async (_what, tls, problem) => {
    const { listener } = await listening({ tls: served })

    const failure = await failureOf(websocket({ tls }).dial(listener.address), PATIENCE_MS)

    expect(failure).toMatchObject({ code: 'UNAVAILABLE', reason: 'tls_failed', details: { problem } })
  })

  it('dials wss with the authorities of Node by itself', async () => {
    const { listener } = await listening({ tls: served })

    const failure = await failureOf(websocket().dial(listener.address), PATIENCE_MS)

    expect(failure).toMatchObject({ reason: 'tls_failed', details: { problem: 'unknown_issuer' } })
  })

  it('names a client certificate that is missing', async () => {
    const { listener } = await listening({ tls: mutual })

    const failure = await failureOf(websocket({ tls: { ca } }).dial(listener.address), PATIENCE_MS)

    expect(failure).toMatchObject({ reason: 'tls_failed', details: { problem: 'client_certificate_missing' } })
  })

  it('names a server without TLS', async () => {
    const { listener } = await listening({}, 'ws://127.0.0.1:0')

    const dial = websocket({ tls: { ca } }).dial(listener.address.replace('ws:', 'wss:'))

    expect(await failureOf(dial, PATIENCE_MS)).toMatchObject({ details: { problem: 'not_tls' } })
  })

  it('names a server that does not shake hands', async () => {
    const silent = createNetServer().listen({ host: '127.0.0.1', port: 0 })
    cleanups.push(() => silent.close())
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo

    const failing = failureOf(
      websocket({ tls: { ca }, connectTimeoutMs: 100 }).dial(`wss://127.0.0.1:${port}`),
      PATIENCE_MS,
    )

    expect(await failing).toMatchObject({ reason: 'tls_failed', details: { problem: 'handshake_timeout' } })
  })

  it('cuts off a client that asks for nothing', async () => {
    const { listener } = await listening({ tls: served, handshakeTimeoutMs: 30 })
    const raw = tlsConnect({ host: '127.0.0.1', port: Number(new URL(listener.address).port), ca })
    cleanups.push(() => raw.destroy())

    await expect(raw.toArray()).resolves.toEqual([])
  })

  it.each([
    ['ws://127.0.0.1:0', { tls: served }],
    ['wss://127.0.0.1:0', {}],
  ])('refuses to listen on %s where it is served otherwise', async (address, options) => {
    expect(await failureOf(websocket(options).listen(address), PATIENCE_MS)).toMatchObject({
      reason: 'invalid_address',
    })
  })

  it('needs an identity to listen', async () => {
    const failure = await failureOf(websocket({ tls: { ca } }).listen(LOOPBACK), PATIENCE_MS)

    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_identity' })
  })

  it('shares a server of HTTPS', async () => {
    const { cert, key } = identity('server')
    const server = createHttpsServer({ cert: String(cert), key: String(key) }).listen({ host: '127.0.0.1', port: 0 })
    cleanups.push(() => server.close())
    await once(server, 'listening')

    const { listener } = await listening({ server }, ':0/calls')
    const socket = await dialled(listener.address, { tls: { ca } })

    expect(socket.remote).toBe(`wss://127.0.0.1:${(server.address() as AddressInfo).port}/calls`)
  })

  it('names every option that is wrong', () => {
    const tls: object = { identity: 'pem', cert: 'pem' }

    expect(() => websocket({ tls })).toThrow(/tls of websocket: identity.*cert/)
  })
})

async function connected(options: WebSocketOptions): ReturnType<typeof connect> {
  const connection = await connect(websocket(options), LOOPBACK, PATIENCE_MS)
  connection.listening.add(connection.listener.sockets.subscribe())
  cleanups.push(
    () => connection.dialing.unsubscribe(),
    () => connection.listening.unsubscribe(),
  )
  return connection
}

async function listening(options: WebSocketOptions, address = LOOPBACK): ReturnType<typeof listenAt> {
  const held = await listenAt(websocket(options), address, PATIENCE_MS)
  held.listening.add(held.listener.sockets.subscribe())
  cleanups.push(() => held.listening.unsubscribe())
  return held
}

async function dialled(
  address: string,
  options: WebSocketOptions,
): Promise<Awaited<ReturnType<typeof connect>>['client']> {
  const opened: Awaited<ReturnType<typeof connect>>['client'][] = []
  let failure: unknown
  const dialing = websocket(options)
    .dial(address)
    .subscribe({ next: socket => opened.push(socket), error: error => (failure = error) })
  cleanups.push(() => dialing.unsubscribe())
  await eventually(() => opened.length > 0 || failure !== undefined, PATIENCE_MS, 'the dialled socket')
  const [socket] = opened
  if (socket === undefined) throw failure as Error
  return socket
}

/** Sockets and servers of TCP and TLS that this process holds. */
function handles(): number {
  return process.getActiveResourcesInfo().filter(name => /^(TCP|TLS)/.test(name)).length
}
