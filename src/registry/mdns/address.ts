import { isIPv4, isIPv6 } from 'node:net'

/** Host and port of a node. */
export interface HostPort {
  /** An IPv4 address, an IPv6 address without brackets, or a host name. */
  readonly host: string
  /** 1 to 65535. */
  readonly port: number
}

const HOST_PORT = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/
const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/i

/** Reads `host:port` with a host that others can reach; `undefined` when it is none. */
export function readAddress(address: string): HostPort | undefined {
  const [, v6, name, digits] = HOST_PORT.exec(address) ?? []
  const host = v6 ?? name
  const port = Number(digits)
  if (host === undefined || !(port >= 1 && port <= 65_535)) return undefined
  if (v6 !== undefined ? !isIPv6(host) : !isHost(host)) return undefined
  return isReachable(host) ? { host, port } : undefined
}

/** Writes host and port as a node's address. */
export function writeAddress({ host, port }: HostPort): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}

/** Whether someone else can dial it: no wildcard, and no zone, which has a meaning on one machine only. */
export function isReachable(host: string): boolean {
  return host !== '0.0.0.0' && !/^[0:]+$/.test(host) && !host.includes('%')
}

/** Whether it is an IPv4 address or a host name. */
export function isHost(host: string): boolean {
  return isIPv4(host) || (HOST_NAME.test(host) && !/^[\d.]+$/.test(host))
}
