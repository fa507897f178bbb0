import { memoryTransport } from 'millrace/transport'
import { testTransport } from '../compliance/transport.js'
import { countingRuntime } from '../support/counting-runtime.js'

for (const latencyMs of [0, 2]) {
  testTransport(`memoryTransport with ${latencyMs} ms of latency`, () => {
    const runtime = countingRuntime()
    return {
      transport: memoryTransport({ runtime, latencyMs }),
      anyAddress: 'memory:',
      deadAddress: 'memory:nobody',
      invalidAddresses: ['', 'nobody', 'tcp:1', '127.0.0.1:80'],
      openResources: () => runtime.openTimers,
    }
  })
}
