import { websocket } from 'millrace/transport/websocket'
import { testTransport } from '../compliance/transport.js'
import { countingRuntime } from '../support/counting-runtime.js'

testTransport('websocket', () => {
  const runtime = countingRuntime()
  return {
    // A timer that is left behind outlives the test.
    transport: websocket({ runtime, connectTimeoutMs: 600_000, closeTimeoutMs: 600_000, handshakeTimeoutMs: 600_000 }),
    anyAddress: '127.0.0.1:0',
    deadAddress: 'ws://127.0.0.1:1',
    invalidAddresses: ['', 'localhost', 'tcp://localhost:80', 'ws://', 'ws://localhost:x/', 'ws://h:1/a b'],
    openResources: () => runtime.openTimers + handles(),
  }
})

/** Sockets and servers of TCP that this process holds. */
function handles(): number {
  return process.getActiveResourcesInfo().filter(name => name.startsWith('TCP')).length
}
