import type { Transport } from '../transport.js'
import { dial } from './dial.js'
import { listen } from './listen.js'
import { resolveWebSocketOptions, type WebSocketOptions } from './websocket-options.js'

/**
 * The transport over WebSocket: each frame is one binary message, sent in one piece and never compressed. Nothing else
 * is spoken: a text message ends the connection with INVALID_ARGUMENT (reason `text_message`), which the peer is told.
 *
 * Addresses are `ws://host:port/path`, or `wss` with TLS, an IPv6 host in brackets; a path that is left out is `/`, a port
 * that is left out 80 or 443. `host:port` is short for one without a path, `wss` when there is `tls`. `listen` also takes `:port` for every interface, port 0 for one
 * that the system chooses, and `host:5000-5010` for the first free one of a range. A listener on every interface tells
 * an address that other machines can dial: this machine's first private IPv4 address, else its first public one.
 *
 * Where the bundler or runtime sets the condition `browser`, the import gives a transport on the platform's WebSocket,
 * which only dials.
 *
 * Throws INVALID_ARGUMENT (reason `invalid_options`).
 */
export function websocket(options?: WebSocketOptions): Transport {
  const resolved = resolveWebSocketOptions(options)
  return { name: 'websocket', dial: address => dial(address, resolved), listen: address => listen(address, resolved) }
}
