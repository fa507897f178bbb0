import { formatAddress, parseAddress, parseDialAddress, type Address } from '../address.js'
import { invalidAddress } from '../transport-errors.js'

/** Where a WebSocket listens. */
export interface WebSocketAddress extends Address {
  /** The address as it was given. */
  readonly text: string
  /** Whether it is TLS (`wss`); `undefined` when the address does not say. */
  readonly secure: boolean | undefined
  /** Path, `/` when the address names none. */
  readonly path: string
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
 * Reads an address to connect to and gives it as a URL; one without a scheme is of `ws`, or of `wss` when `secure`.
 * A scheme stands for its port, 80 or 443, where none is given. Throws as {@link parseWebSocketAddress} does.
 */
export function parseWebSocketUrl(text: string, secure = false): string {
  const { host, port, path, secure: said = secure } = split(text, parseDialAddress)
  return formatWebSocketAddress({ host, port, path, secure: said })
}

/** Writes `ws://host:port/path`, without the path `/`. */
export function formatWebSocketAddress(address: {
  readonly host: string
  readonly port: number
  readonly path: string
  readonly secure: boolean
}): string {
  const { host, port, path, secure } = address
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
