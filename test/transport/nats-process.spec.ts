import { createClient, memoryRegistry, rsocket, type Client } from 'millrace'
import { silentLog } from 'millrace/core'
import { natsConnection, natsTransport } from 'millrace/transport/nats'
import { firstValueFrom, NEVER, retry, startWith, timer } from 'rxjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Child } from '../support/child.js'
import { eventually } from '../support/deadline.js'
import { startNats, type NatsServer } from '../support/nats-server.js'
import { record } from '../support/recording.js'
import { Mortal } from './mortal.js'

const ADDRESS = 'nats:mortal.here'
const PROGRAM = 'test/transport/nats-service.ts'

let server: NatsServer

beforeAll(async () => {
  server = await startNats({ jetStream: false, maxPayloadBytes: 65_536 })
})

afterAll(() => server.stop())

async function started(): Promise<Child> {
  const child = new Child(PROGRAM, [server.address, ADDRESS])
  await child.tells('address')
  return child
}

function clientOf(): Client {
  const registry = memoryRegistry()
  const node = { id: 'mortal-1', address: ADDRESS, metadata: { protocol: 'rsocket', transport: 'nats' } }
  registry
    .register(NEVER.pipe(startWith({ name: 'mortal', version: '0.0.0', metadata: {}, endpoints: [], node })))
    .subscribe()
  const transport = natsTransport(natsConnection({ servers: [server.address], log: silentLog }))
  const protocol = rsocket(transport, { keepAliveMs: 50, maxLifetimeMs: 300, log: silentLog })
  return createClient({ protocol, registry, log: silentLog })
}

describe('a service behind NATS in another process', () => {
  it('takes payloads that the server does not', async () => {
    const child = await started()
    const client = clientOf()

    const size = await firstValueFrom(client.of(Mortal).size(new Uint8Array(1_000_000)))

    expect(size).toBe(1_000_000)
    client.close()
    child.endInput()
    await child.ends()
  })

  it('is missed by its callers when it is killed', async () => {
    const child = await started()
    const client = clientOf()
    const { pid, never } = client.of(Mortal)
    const before = await firstValueFrom(pid())
    const waiting = record(never())

    child.signal('SIGKILL')
    await eventually(() => waiting.error !== undefined, 8000, 'the failure of a call')
    const next = await started()
    const after = await firstValueFrom(pid().pipe(retry({ delay: () => timer(20), count: 200 })))

    expect(waiting.error).toMatchObject({ code: 'UNAVAILABLE', reason: 'connection_lost' })
    expect(after).not.toBe(before)
    client.close()
    next.endInput()
    await next.ends()
  })
})
