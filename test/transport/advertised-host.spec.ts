import type { NetworkInterfaceInfo } from 'node:os'
import { describe, expect, it } from 'vitest'
import { advertisedHost } from '../../src/transport/advertised-host.js'

describe('advertisedHost', () => {
  it('keeps an address of one interface', () => {
    expect(advertisedHost('127.0.0.1', { eth0: [ipv4('10.0.0.1')] })).toBe('127.0.0.1')
  })

  it.each(['0.0.0.0', '::'])('prefers a private address for %s', bound => {
    const interfaces = { lo: [ipv4('127.0.0.1', true)], ppp0: [ipv4('198.51.100.7')], eth0: [ipv4('172.16.0.1')] }

    expect(advertisedHost(bound, interfaces)).toBe('172.16.0.1')
  })

  it('takes a public address when there is no private one', () => {
    expect(advertisedHost('::', { eth0: [ipv4('172.32.0.1')], eth1: [ipv4('10.0.0.1', true)] })).toBe('172.32.0.1')
  })

  it('takes loopback when there is nothing else', () => {
    expect(advertisedHost('::', { lo: [ipv4('127.0.0.1', true)], down: undefined })).toBe('127.0.0.1')
  })
})

function ipv4(address: string, internal = false): NetworkInterfaceInfo {
  return { address, internal, family: 'IPv4', netmask: '255.0.0.0', mac: '00:00:00:00:00:00', cidr: null }
}
