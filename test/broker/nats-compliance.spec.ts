import { natsBroker, natsConnection } from 'millrace/broker/nats'
import { silentLog } from 'millrace/core'
import type { NatsConnection } from 'millrace/transport/nats'
import { testBroker } from 'millrace/testing/compliance'
import { filter, firstValueFrom } from 'rxjs'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { startNats, type NatsServer } from '../support/nats-server.js'

let server: NatsServer
let connection: NatsConnection

beforeAll(async () => {
  server = await startNats({ jetStream: false })
  connection = natsConnection({ servers: [server.address], log: silentLog })
})

afterAll(() => server.stop())

/** Resolves when the server has everything that was sent until now, subscriptions among it. */
async function confirmed(): Promise<void> {
  const link = await firstValueFrom(connection.link$.pipe(filter(each => each !== undefined)))
  await new Promise(resolve => link.confirm(resolve))
}

for (const envelope of ['native', 'go-micro'] as const) {
  testBroker(
    { describe, it },
    {
      name: `natsBroker with the envelope ${envelope}`,
      lacks: ['redelivery', 'replay', 'deduplication', 'ordered'],
      setup: () => ({ broker: natsBroker(connection, { envelope, log: silentLog }), ready: confirmed }),
    },
  )
}
