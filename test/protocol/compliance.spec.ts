import { silentLog } from 'millrace/core'
import { rsocket } from 'millrace/protocol/rsocket'
import { memoryTransport } from 'millrace/transport'
import { tcp } from 'millrace/transport/tcp'
import { unix } from 'millrace/transport/unix'
import { websocket } from 'millrace/transport/websocket'
import { testProtocol } from 'millrace/testing/compliance'
import { natsConnection, natsTransport, type NatsConnection } from 'millrace/transport/nats'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { certificate, identity } from '../support/certificates.js'
import { countingRuntime } from '../support/counting-runtime.js'
import { startNats, type NatsServer } from '../support/nats-server.js'

const window = 16

testProtocol(
  { describe, it },
  {
    name: 'rsocket over memory',
    setup: () => {
      const runtime = countingRuntime()
      return {
        protocol: rsocket(memoryTransport({ runtime }), { runtime, window, log: silentLog, closeTimeoutMs: 20 }),
        anyAddress: 'memory:',
        deadAddress: 'memory:nobody',
        window,
        openTimers: () => runtime.openTimers,
      }
    },
  },
)

testProtocol(
  { describe, it },
  {
    name: 'rsocket over tcp',
    setup: () => {
      const runtime = countingRuntime()
      return {
        protocol: rsocket(tcp({ runtime }), { runtime, window, log: silentLog, closeTimeoutMs: 20 }),
        anyAddress: '127.0.0.1:0',
        deadAddress: '127.0.0.1:1',
        window,
        openTimers: () => runtime.openTimers,
      }
    },
  },
)

testProtocol(
  { describe, it },
  {
    name: 'rsocket over websocket',
    setup: () => {
      const runtime = countingRuntime()
      return {
        protocol: rsocket(websocket({ runtime }), { runtime, window, log: silentLog, closeTimeoutMs: 20 }),
        anyAddress: '127.0.0.1:0',
        deadAddress: 'ws://127.0.0.1:1',
        window,
        openTimers: () => runtime.openTimers,
      }
    },
  },
)

testProtocol(
  { describe, it },
  {
    name: 'rsocket over unix',
    setup: () => {
      const runtime = countingRuntime()
      return {
        protocol: rsocket(unix({ runtime }), { runtime, window, log: silentLog, closeTimeoutMs: 20 }),
        anyAddress: ':0',
        deadAddress: '/nobody.sock',
        window,
        openTimers: () => runtime.openTimers,
      }
    },
  },
)

testProtocol(
  { describe, it },
  {
    name: 'rsocket over tcp with mutual tls',
    setup: () => {
      const runtime = countingRuntime()
      const tls = { identity: identity('server'), ca: certificate('authority'), requireClientCertificate: true }
      return {
        protocol: rsocket(tcp({ runtime, tls }), { runtime, window, log: silentLog, closeTimeoutMs: 20 }),
        anyAddress: '127.0.0.1:0',
        deadAddress: '127.0.0.1:1',
        window,
        openTimers: () => runtime.openTimers,
      }
    },
  },
)

describe('over NATS', () => {
  let server: NatsServer
  let connection: NatsConnection

  beforeAll(async () => {
    // Smaller than many frames: they go in parts.
    server = await startNats({ jetStream: false, maxPayloadBytes: 4096 })
    connection = natsConnection({ servers: [server.address], log: silentLog })
  })

  afterAll(() => server.stop())

  testProtocol(
    { describe, it },
    {
      name: 'rsocket over nats',
      setup: () => {
        const runtime = countingRuntime()
        return {
          protocol: rsocket(natsTransport(connection, { runtime }), {
            ...{ runtime, window, closeTimeoutMs: 20 },
            log: silentLog,
          }),
          anyAddress: ':0',
          deadAddress: 'nats:nobody',
          window,
          openTimers: () => runtime.openTimers,
        }
      },
    },
  )
})
