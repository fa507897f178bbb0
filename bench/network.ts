import type { Transport } from 'millrace/transport'
import { natsConnection, natsTransport } from 'millrace/transport/nats'
import { tcp } from 'millrace/transport/tcp'
import { ensureServer, natsProgram } from '../test/support/find-server.js'
import { startNats } from '../test/support/nats-server.js'
import { pin } from './pinned.js'

/** Tells the processes of a bench which nats-server they meet at; without it they are connected directly. */
const VARIABLE = 'BENCH_NATS'

/** The nats-server of this run, if there is one. */
export const natsServer = process.env[VARIABLE]

/** Where a service of a bench listens. */
export const anyAddress = natsServer === undefined ? '127.0.0.1:0' : ':0'

/** What carries the frames of a bench. */
export function benchTransport(): Transport {
  return natsServer === undefined ? tcp() : natsTransport(natsConnection({ servers: [natsServer] }))
}

/** Runs a bench whose processes meet at a nats-server, which shares core 1 with the service. */
export async function overNats(run: () => Promise<boolean>): Promise<boolean> {
  ensureServer(natsProgram)
  const server = await startNats({ jetStream: false })
  pin(server.pid, 1)
  process.env[VARIABLE] = server.address
  try {
    return await run()
  } finally {
    delete process.env[VARIABLE]
    await server.stop()
  }
}
