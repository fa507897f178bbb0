import { tcp } from 'millrace/transport/tcp'
import { testTransport } from '../compliance/transport.js'
import { countingRuntime } from '../support/counting-runtime.js'

testTransport('tcp', () => {
  const runtime = countingRuntime()
  const handles = (): number => process.getActiveResourcesInfo().filter(name => name.startsWith('TCP')).length
  return {
    transport: tcp({ runtime }),
    anyAddress: '127.0.0.1:0',
    deadAddress: '127.0.0.1:1',
    invalidAddresses: [
      '',
      'localhost',
      'localhost:',
      ':x',
      '::1:80',
      '[::1]',
      'a b:80',
      '127.0.0.1:65536',
      '127.0.0.1:9-8',
    ],
    openResources: () => runtime.openTimers + handles(),
  }
})
