import { formatAddress, parseAddress, parseDialAddress, type Address } from '../address.js'
import { invalidAddress } from '../transport-errors.js'

/** Where a WebSocket listens. */
export interface WebSocketAddress extends Address {
  /** The address as it was given. */
  readonly text: string
  /** Whether it is `wss`; `undefined` when the address does not say. */
  readonly secure: boolean | undefined
  /** Path, `/` when the address names none. */
  readonly path: string
}

/** Where a WebSocket connects to. */
export interface WebSocketTarget {
  /** Name or IP address, IPv6 without brackets. */
  readonly host: string
  /** Port. */
  readonly port: number
  /** Path with its query, `/` when the address names none. */
  readonly path: string
  /** Whether it is `wss`. */
  readonly secure: boolean
}

const FORM = 'ws://host:port/path, wss://host:port/path or host:port'
const PATTERN = /^(?:(?<scheme>wss?):\/\/)?(?<authority>[^/?#@\\]*)(?<path>\/[^\s#]*)?$/

/**
 * Reads an address to listen on: the form of `dial`, and as host and port also what TCP takes, `:port` and
 * `host:first-last`. Throws INVALID_ARGUMENT (reason `invalid_address`).
 */
export function parseWebSocketAddress(text: string): WebSocketAddress {
  const address = split(text, parseAddress)
  if (address.path.includes('?')) throw invalidAddress(text, 'a path without a query to listen on')
  return { ...address, text }
}

/**
 * Reads an address to connect to; one without a scheme is `ws`, or `wss` when everything is to be `secured`, and then
 * `ws` is refused. A scheme stands for its port, 80 or 443, where none is given. Throws as
 * {@link parseWebSocketAddress} does.
 */
export function parseWebSocketTarget(text: string, secured = false): WebSocketTarget {
  const { host, port, path, secure = secured } = split(text, parseDialAddress)
  if (secured && !secure) throw invalidAddress(text, 'wss://, for `tls` secures every connection')
  return { host, port, path, secure }
}

/** Writes `ws://host:port/path`, without the path `/`. */
export function formatWebSocketAddress({ host, port, path, secure }: WebSocketTarget): string {
  return `${secure ? 'wss' : 'ws'}://${formatAddress(host, port)}${path === '/' ? '' : path}`
}

function split<T>(text: string, parse: (authority: string) => T): T & Pick<WebSocketAddress, 'secure' | 'path'> {
  const { scheme, authority = '', path = '/' } = PATTERN.exec(text)?.groups ?? {}
  if (authority === '') throw invalidAddress(text, FORM)
  const secure = scheme === undefined ? undefined : scheme === 'wss'
  const hasPort = secure === undefined || /:[^\]]*$/.test(authority)
  try {
    return { ...parse(hasPort ? authority : `${authority}:${secure ? 443 : 80}`), secure, path }
  } catch (error) {
    throw authority === text ? error : invalidAddress(text, FORM)
  }
}
