import { silentLog } from 'millrace/core'
import { rsocket } from 'millrace/protocol/rsocket'
import { memoryTransport } from 'millrace/transport'
import { tcp } from 'millrace/transport/tcp'
import { unix } from 'millrace/transport/unix'
import { websocket } from 'millrace/transport/websocket'
import { testProtocol } from 'millrace/testing/compliance'
import { describe, it } from 'vitest'
import { certificate, identity } from '../support/certificates.js'
import { countingRuntime } from '../support/counting-runtime.js'

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
