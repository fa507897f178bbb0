import { silentLog, systemRuntime } from 'millrace/core'
import { mdns } from 'millrace/registry/mdns'
import { packetRegistry } from '../../src/registry/mdns/packet-registry.js'
import { skippedRecords } from '../../src/registry/skipped-records.js'
import { testRegistry } from 'millrace/testing/compliance'
import { describe, it } from 'vitest'
import { countingRuntime } from '../support/counting-runtime.js'
import { PacketGroup } from './packet-group.js'

testRegistry(
  { describe, it },
  {
    name: 'mdns',
    setup: () => {
      const domain = `test-${systemRuntime().id()}`
      const party = () => mdns({ domain, loopbackOnly: true, collectMs: 60, log: silentLog })
      return { here: party(), there: party(), openResources: openSockets }
    },
    lacks: ['outages'],
  },
)

testRegistry(
  { describe, it },
  {
    name: 'packetRegistry',
    setup: () => {
      const group = new PacketGroup()
      const runtime = countingRuntime()
      const skipped = skippedRecords('mdns', silentLog, runtime)
      const context = {
        domain: 'micro',
        hostname: 'host',
        ttlMs: 120_000,
        collectMs: 10,
        runtime,
        log: silentLog,
        skipped,
      }
      return {
        here: packetRegistry(group.port('here'), context),
        there: packetRegistry(group.port('there'), context),
        setDown: down => group.down$.next(down),
        openResources: () => group.open + runtime.openTimers,
      }
    },
  },
)

function openSockets(): number {
  return process.getActiveResourcesInfo().filter(name => name === 'UDPWrap').length
}
