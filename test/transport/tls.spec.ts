import { tcp } from 'millrace/transport/tcp'
import { certificate, identity } from '../support/certificates.js'
import { testTransport } from '../compliance/transport.js'
import { countingRuntime } from '../support/counting-runtime.js'

const ca = certificate('authority')

testTransport('tcp with tls', () => {
  const runtime = countingRuntime()
  return {
    transport: tcp({
      runtime,
      tls: { identity: identity('server'), ca },
      connectTimeoutMs: 600_000,
      closeTimeoutMs: 600_000,
    }),
    anyAddress: '127.0.0.1:0',
    deadAddress: '127.0.0.1:1',
    invalidAddresses: ['', 'localhost', 'localhost:x', '::1:80', '127.0.0.1:65536'],
    openResources: () => runtime.openTimers + handles(),
  }
})

testTransport('tcp with mutual tls', () => {
  const runtime = countingRuntime()
  return {
    transport: tcp({
      runtime,
      tls: { identity: identity('server'), ca, requireClientCertificate: true },
      connectTimeoutMs: 600_000,
      closeTimeoutMs: 600_000,
    }),
    anyAddress: '127.0.0.1:0',
    deadAddress: '127.0.0.1:1',
    invalidAddresses: ['', 'localhost', 'localhost:x', '::1:80', '127.0.0.1:65536'],
    openResources: () => runtime.openTimers + handles(),
  }
})

function handles(): number {
  return process.getActiveResourcesInfo().filter(name => /^(TCP|TLS)/.test(name)).length
}
