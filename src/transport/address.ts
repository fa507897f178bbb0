import { invalidAddress } from './transport-errors.js'

/** A host and a range of ports; a single port is a range of one. */
export interface Address {
  /** Name or IP address, IPv6 without brackets; empty means every interface of this machine. */
  readonly host: string
  /** First port of the range; 0 leaves the choice to the system. */
  readonly firstPort: number
  /** Last port of the range. */
  readonly lastPort: number
}

const FORM = 'host:port, [ipv6]:port, host:first-last or :port'
const PATTERN =
  /^(?:\[(?<ipv6>[0-9a-f:.]+(?:%[\w.-]+)?)\]|(?<host>[^\s:[\]/%]*)):(?<first>\d{1,5})(?:-(?<last>\d{1,5}))?$/i
const MAX_PORT = 65_535

/** Reads an address to listen on. Throws INVALID_ARGUMENT (reason `invalid_address`). */
export function parseAddress(text: string): Address {
  const groups = PATTERN.exec(text)?.groups
  if (groups === undefined) throw invalidAddress(text, FORM)
  const firstPort = Number(groups['first'])
  const lastPort = Number(groups['last'] ?? firstPort)
  if (lastPort > MAX_PORT) throw invalidAddress(text, `ports up to ${MAX_PORT}`)
  if (firstPort > lastPort) throw invalidAddress(text, 'a range of ports that goes up')
  if (firstPort === 0 && lastPort > 0) throw invalidAddress(text, 'a range that starts at 1, or port 0 alone')
  return { host: groups['ipv6'] ?? groups['host'] ?? '', firstPort, lastPort }
}

/** Reads an address to connect to: a host and one port from 1 on. Throws as {@link parseAddress} does. */
export function parseDialAddress(text: string): { readonly host: string; readonly port: number } {
  const { host, firstPort, lastPort } = parseAddress(text)
  if (host === '') throw invalidAddress(text, 'a host to connect to')
  if (firstPort === 0 || firstPort !== lastPort) throw invalidAddress(text, 'one port, from 1 on, to connect to')
  return { host, port: firstPort }
}

/** Writes `host:port`, an IPv6 host in brackets and an IPv4-mapped one as IPv4. */
export function formatAddress(host: string, port: number): string {
  const plain = host.startsWith('::ffff:') && host.includes('.') ? host.slice('::ffff:'.length) : host
  return plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`
}
