import { systemRuntime, type LogEvent } from 'millrace/core'
import { describe, expect, it } from 'vitest'
import { found, MAX_SERVICES } from '../../src/registry/mdns/found.js'
import type { DnsRecord } from '../../src/registry/mdns/packet.js'
import { skippedRecords } from '../../src/registry/skipped-records.js'

describe('found', () => {
  it('leaves out services over the limit and logs them', () => {
    const lines: LogEvent[] = []
    const skipped = skippedRecords('mdns', line => lines.push(line), systemRuntime())
    const nodes = found('micro', skipped)
    const names = Array.from({ length: MAX_SERVICES + 1 }, (_, index) => `service-${index}`)

    nodes.hear(names.map(listed), 0)

    expect(nodes.services.size).toBe(MAX_SERVICES)
    expect(lines.map(({ message }) => message)).toEqual([
      `registry mdns: record "service-${MAX_SERVICES}" is skipped: there are ${MAX_SERVICES} services already`,
    ])
  })
})

function listed(name: string): DnsRecord {
  return { type: 'PTR', name: '_services.micro', ttl: 120, data: `${name}._services.micro` }
}
