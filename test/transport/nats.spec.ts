import { actor, contract, createClient, createService, memoryRegistry, rsocket, unary } from 'millrace'
import { silentLog, systemRuntime } from 'millrace/core'
import { natsConnection, natsTransport, type NatsConnection } from 'millrace/transport/nats'
import { testTransport } from 'millrace/testing/compliance'
import { filter, firstValueFrom, lastValueFrom, retry, timer } from 'rxjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect, failureOf, listenAt, pattern, receive, sendBytes, sendNumber } from '../compliance/transport-probe.js'
import { type Meddle, meddled } from '../support/altered-links.js'
import { countingRuntime } from '../support/counting-runtime.js'
import { startNats, type NatsServer } from '../support/nats-server.js'

let server: NatsServer
let connection: NatsConnection

beforeAll(async () => {
  server = await startNats({ jetStream: false })
  connection = natsConnection({ servers: [server.address], log: silentLog, idleMs: 600_000 })
})

afterAll(() => server.stop())

testTransport(
  { describe, it },
  {
    name: 'natsTransport',
    lacks: ['backpressure'],
    setup: () => {
      const runtime = countingRuntime()
      return {
        // A timer that is left behind outlives the test.
        transport: natsTransport(connection, { runtime, connectTimeoutMs: 600_000, closeTimeoutMs: 600_000 }),
        anyAddress: ':0',
        deadAddress: 'nats:nobody.listens.here',
        invalidAddresses: ['', 'nats:a b', 'nats:a.*', 'nats:>', 'nats:.a', 'orders', `nats:${'a'.repeat(201)}`],
        openResources: () => runtime.openTimers,
      }
    },
  },
)

const PATIENCE_MS = 5000
const DATA = 4

/** Lets `meddle` have the data message of a number, and sends all others. */
function at(number: number, meddle: (send: () => void) => void): Meddle {
  return (payload, send) => (payload[0] === DATA && payload[4] === number ? meddle(send) : send())
}

describe('natsTransport', () => {
  it.each([
    ['loses', () => {}],
    [
      'repeats',
      (send: () => void) => {
        send()
        send()
      },
    ],
  ])('ends a connection when NATS %s a message', async (_, meddle) => {
    const transport = natsTransport(meddled(connection, at(1, meddle)))
    const { client, server: accepted, listening } = await connect(transport, ':0', PATIENCE_MS)
    const inbox = receive(accepted, PATIENCE_MS)

    for (const value of [1, 2, 3]) {
      sendNumber(client, value)
      await firstValueFrom(timer(0)) // a message each
    }
    await inbox.ended()

    expect(inbox.numbers.slice(0, 1)).toEqual([1])
    expect(inbox.numbers).not.toContain(3)
    expect(inbox.ending).toMatchObject({ code: 'UNAVAILABLE', reason: 'connection_lost' })
    listening.unsubscribe()
  })

  it('carries frames that the server would not take', async () => {
    const small = await startNats({ jetStream: false, maxPayloadBytes: 1024 })
    const transport = natsTransport(natsConnection({ servers: [small.address], log: silentLog }))
    const { client, server: accepted, listening } = await connect(transport, ':0', PATIENCE_MS)
    const inbox = receive(accepted, PATIENCE_MS)

    sendBytes(client, pattern(100_000))
    sendNumber(client, 7)
    client.close()
    await inbox.ended()

    expect(inbox.frames.map(({ length }) => length)).toEqual([100_000, 4])
    expect(inbox.frames[0]).toEqual(pattern(100_000))
    listening.unsubscribe()
    await small.stop()
  })

  it('ends a connection whose messages the server refuses', async () => {
    const tiny = await startNats({ jetStream: false, maxPayloadBytes: 4 })
    const transport = natsTransport(natsConnection({ servers: [tiny.address], log: silentLog }))
    const { client, listening } = await connect(transport, ':0', PATIENCE_MS)
    const inbox = receive(client, PATIENCE_MS)

    sendNumber(client, 1)
    await inbox.ended()

    expect(inbox.ending).toMatchObject({ reason: 'connection_lost', cause: { reason: 'message_too_large' } })
    listening.unsubscribe()
    await tiny.stop()
  })

  it('bounds what nobody reads', async () => {
    const transport = natsTransport(connection, { maxUnreadBytes: 10_000 })
    const { client, server: accepted, listening } = await connect(transport, ':0', PATIENCE_MS)
    const sent = receive(client, PATIENCE_MS)

    sendBytes(client, pattern(20_000))
    await sent.ended()
    const inbox = receive(accepted, PATIENCE_MS)
    await inbox.ended()

    expect(inbox.ending).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'inbound_overflow' })
    expect(sent.ending).toMatchObject({ reason: 'connection_lost' })
    listening.unsubscribe()
  })

  it('delivers what waited before what comes later', async () => {
    const held: (() => void)[] = []
    let isHeld = false
    const system = systemRuntime()
    const macrotask = (task: () => void): void => void (isHeld ? held.push(task) : system.macrotask(task))
    const transport = natsTransport(connection, { runtime: { ...system, macrotask } })
    const { client, server: accepted, listening } = await connect(transport, ':0', PATIENCE_MS)
    const link = await firstValueFrom(connection.link$.pipe(filter(each => each !== undefined)))
    const send = async (value: number): Promise<void> => {
      sendNumber(client, value)
      await firstValueFrom(timer(0))
      await new Promise(resolve => link.confirm(resolve)) // both ends have this link: what came is here
    }

    await send(1)
    isHeld = true
    const inbox = receive(accepted, PATIENCE_MS)
    await send(2)
    isHeld = false
    for (const task of held) task()
    await inbox.received(2)

    expect(inbox.numbers).toEqual([1, 2])
    listening.unsubscribe()
  })

  it.each(['publish', 'subscribe'])('says at once that it may not %s', async denied => {
    const permissions = { [denied]: { deny: [denied === 'publish' ? 'orders.*' : '_INBOX.>'] } }
    const guarded = await startNats({
      jetStream: false,
      authorization: { users: [{ user: 'u', password: 'p', permissions }] },
    })
    const auth = { user: 'u', password: 'p' }
    const transport = natsTransport(natsConnection({ servers: [guarded.address], auth, log: silentLog }))

    const failure = await failureOf(transport.dial('nats:orders.eu1'), PATIENCE_MS)

    expect(failure).toMatchObject({ code: 'PERMISSION_DENIED', reason: 'nats_permission_denied' })
    await guarded.stop()
  })

  it('does not listen where somebody listens', async () => {
    const transport = natsTransport(connection)
    const { listener, listening } = await listenAt(transport, 'nats:taken.place', PATIENCE_MS)

    const failure = await failureOf(transport.listen(listener.address), PATIENCE_MS)

    expect(failure).toMatchObject({ code: 'UNAVAILABLE', reason: 'listen_failed' })
    listening.unsubscribe()
  })

  it('says at once that nobody listens', async () => {
    const failure = await failureOf(natsTransport(connection).dial('nats:nobody'), PATIENCE_MS)

    expect(failure).toMatchObject({ reason: 'connect_failed', retry: { safe: true } })
    expect(String(failure)).toContain('nobody listens there')
  })

  it('refuses who speaks another version', async () => {
    const other: Meddle = (payload, send) => {
      if (payload[0] === 1) payload[1] = 9
      send()
    }
    const { listener, listening } = await listenAt(natsTransport(connection), ':0', PATIENCE_MS)

    const failure = await failureOf(natsTransport(meddled(connection, other)).dial(listener.address), PATIENCE_MS)

    expect(String(failure)).toContain('it speaks version 1')
    listening.unsubscribe()
  })

  it('ignores what strangers send to a listener', async () => {
    const transport = natsTransport(connection)
    const { listener, listening } = await listenAt(transport, ':0', PATIENCE_MS)
    const link = await firstValueFrom(connection.link$.pipe(filter(each => each !== undefined)))
    const subject = listener.address.slice('nats:'.length)

    for (const bytes of [[], [0], [1], [4, 0], [200, 1, 1]])
      link.publish(subject, new Uint8Array(bytes), { reply: 'x' })
    link.publish(subject, new Uint8Array([1, 1]))
    const accepted = firstValueFrom(listener.sockets)
    const dialing = transport.dial(listener.address).subscribe()

    expect((await accepted).remote).toMatch(/^nats:_INBOX\./)
    dialing.unsubscribe()
    listening.unsubscribe()
  })

  it('ends connections, and listens again, when its server is killed', async () => {
    const own = await startNats({ jetStream: false })
    const transport = natsTransport(natsConnection({ servers: [own.address], log: silentLog }))
    const { listener, client, listening } = await connect(transport, ':0', PATIENCE_MS)
    const inbox = receive(client, PATIENCE_MS)

    await own.kill()
    await inbox.ended()
    await own.restart()
    const again = await firstValueFrom(
      transport.dial(listener.address).pipe(retry({ delay: () => timer(20), count: 200 })),
    )

    expect(inbox.ending).toMatchObject({ reason: 'connection_lost' })
    expect(again.remote).toBe(listener.address)
    listening.unsubscribe()
    await own.stop()
  })

  it('carries calls of a service without an open port', async () => {
    const own = await startNats({ jetStream: false })
    const Echo = contract('echo', { say: unary<string, string>({ idempotent: true }) })
    const registry = memoryRegistry()
    const over = () => rsocket(natsTransport(natsConnection({ servers: [own.address], log: silentLog })))
    const echo = actor(Echo, { say: text => text })
    const running = createService({ actors: [echo], protocol: over(), registry, signals: [], log: silentLog }).run()
    const service = running.subscribe()
    const client = createClient({ protocol: over(), registry, log: silentLog })
    const say = (text: string): Promise<string> =>
      lastValueFrom(
        client
          .of(Echo)
          .say(text)
          .pipe(retry({ delay: () => timer(20), count: 200 })),
      )

    const before = await say('a')
    await own.kill()
    await own.restart()
    const after = await say('b')

    expect([before, after]).toEqual(['a', 'b'])
    client.close()
    service.unsubscribe()
    await own.stop()
  })
})
