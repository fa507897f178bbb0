import type { NetworkInterfaceInfo } from 'node:os'

/** The network interfaces of a machine, as `os.networkInterfaces` tells them. */
export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>

const PRIVATE = /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/
const WILDCARDS: readonly string[] = ['', '0.0.0.0', '::']

/**
 * A host that peers can dial to reach a listener bound to `bound`: `bound` itself unless it means every interface,
 * then the first private IPv4 address, else the first public one, else loopback (go-micro's order).
 */
export function advertisedHost(bound: string, interfaces: Interfaces): string {
  if (!WILDCARDS.includes(bound)) return bound
  const external = Object.values(interfaces)
    .flatMap(addresses => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address)
  return external.find(address => PRIVATE.test(address)) ?? external[0] ?? '127.0.0.1'
}
