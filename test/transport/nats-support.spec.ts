import { describe, expect, it, type TestContext } from 'vitest'
import { connect } from 'nats'
import { identity, certificate } from '../support/certificates.js'
import { startNats, startNatsCluster, type NatsOptions, type NatsServer } from '../support/nats-server.js'

async function start({ onTestFinished }: TestContext, options?: NatsOptions): Promise<NatsServer> {
  const server = await startNats(options)
  onTestFinished(() => server.stop())
  return server
}

describe('startNats', () => {
  it('keeps what is stored when it is killed and restarted', async context => {
    const server = await start(context)
    const client = await connect({ servers: server.address })
    const manager = await client.jetstreamManager()
    await manager.streams.add({ name: 'kept', subjects: ['kept.>'] })
    await client.jetstream().publish('kept.one', 'x')
    await client.close()

    await server.kill()
    await server.restart()

    const again = await connect({ servers: server.address })
    const { state } = await (await again.jetstreamManager()).streams.info('kept')
    await again.close()
    expect(state.messages).toBe(1)
  })

  it('lets those in who show a certificate', async context => {
    const server = await start(context, { certificate: 'server', asksCertificate: true, jetStream: false })

    const client = await connect({
      servers: server.address,
      tls: { cert: certificate('client'), key: String(identity('client').key), ca: certificate('authority') },
    })

    expect(client.info?.tls_verify).toBe(true)
    await client.close()
  })

  it('takes its limits from options', async context => {
    const server = await start(context, { maxPayloadBytes: 1000, jetStream: { storeBytes: 20_000 } })

    const client = await connect({ servers: server.address })
    const manager = await client.jetstreamManager()

    expect(client.info?.max_payload).toBe(1000)
    expect((await server.monitor('/varz'))['jetstream']).toMatchObject({ config: { max_storage: 20_000 } })
    await expect(manager.streams.add({ name: 'large', subjects: ['large'], max_bytes: 30_000 })).rejects.toThrow(
      'insufficient storage',
    )
    await client.close()
  })
})

describe('startNatsCluster', () => {
  it('gives members that keep streams together', async ({ onTestFinished }) => {
    const servers = await startNatsCluster(3)
    onTestFinished(async () => void (await Promise.all(servers.map(server => server.stop()))))
    const client = await connect({ servers: servers.map(({ address }) => address) })

    const stream = await (await client.jetstreamManager()).streams.add({ name: 's', subjects: ['s'], num_replicas: 3 })

    expect(stream.cluster?.replicas).toHaveLength(2)
    await client.close()
  })
})
