import { jetstreamBroker, natsConnection } from 'millrace/broker/nats'
import type { Broker } from 'millrace/broker'
import { messageOf, silentLog, systemRuntime } from 'millrace/core'
import type { NatsConnection } from 'millrace/transport/nats'
import { testBroker } from 'millrace/testing/compliance'
import { firstValueFrom, lastValueFrom } from 'rxjs'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { startNats, type NatsServer } from '../support/nats-server.js'

let server: NatsServer
let connection: NatsConnection

beforeAll(async () => {
  server = await startNats()
  connection = natsConnection({ servers: [server.address], log: silentLog })
})

afterAll(() => server.stop())

/** Resolves when a queue has been made, which the server does after all that it was asked for before. */
async function queueMade(broker: Broker, topic: string): Promise<void> {
  await lastValueFrom(broker.publish(topic, messageOf('ready')))
  await firstValueFrom(broker.subscribe(topic, { queue: systemRuntime().id(), from: 'all' }))
}

for (const envelope of ['native', 'go-micro'] as const) {
  testBroker(
    { describe, it },
    {
      name: `jetstreamBroker with the envelope ${envelope}`,
      setup: () => {
        const stream = `checks-${envelope}`
        const options = {
          stream,
          subjects: [`${stream}.>`],
          envelope,
          storage: 'memory',
          backoffMs: [1],
          log: silentLog,
        } as const
        const broker = jetstreamBroker(connection, options)
        return { broker, topicPrefix: `${stream}.`, ready: () => queueMade(broker, `${stream}.ready`) }
      },
    },
  )
}
