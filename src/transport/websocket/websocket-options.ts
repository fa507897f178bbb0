import { validateHeaderName, validateHeaderValue, type Server } from 'node:http'
import type { Server as TlsServer } from 'node:https'
import * as E from 'fp-ts/lib/Either.js'
import { fn, having, integer, MAX_TIMER_MS, optional, resolveOptions, type Check } from '../../core/index.js'
import type { TlsOptions } from '../tls-options.js'
import { resolveTls, tlsOptions, type GivenTls, type TlsSettings } from '../tls-settings.js'
import { clientChecks, type WebSocketClientOptions } from './client-options.js'
import type { UpgradeRequest } from './upgrade-request.js'

/** What `websocket` is made of in Node. */
export interface WebSocketOptions extends WebSocketClientOptions {
  /**
   * Frames that are written at once without waiting for the end of the turn: the peer starts on the first while the
   * rest is being made, and fewer writes would not be cheaper.
   * @default 32
   */
  readonly flushFrames?: number
  /**
   * Secures every connection, dialled and accepted: addresses without a scheme are `wss`, and `ws` is refused.
   * @default `wss` is dialled with the authorities that Node knows, listeners are not secured
   */
  readonly tls?: TlsOptions
  /** Header fields that `dial` sends with its request, for a token or a cookie. @default none */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * How long a client of the listener may take from connecting to the end of its request, in ms; then it is cut off. A
   * handshake of TLS comes before, and has a time of its own.
   * With `server`, that server's own timeouts rule instead.
   * @default 10_000
   */
  readonly handshakeTimeoutMs?: number
  /**
   * Whether to take a client, by the request it makes: false is answered 403. Called once for each, at once. Browsers
   * let every page open WebSockets to every host: a listener that knows its users by cookies must look at `origin`.
   * @default every client is taken
   */
  readonly accept?: (request: UpgradeRequest) => boolean
  /**
   * An HTTP or HTTPS server to share: the transport answers only requests to upgrade, on the path that is listened on. The
   * server is the caller's, to start and to stop; `listen` waits for it, and fails when its port is none of the
   * address. One listener a path.
   * @default each listener has a server of its own, which answers anything else with 426
   */
  readonly server?: Server | TlsServer
}

/** {@link WebSocketOptions} with all defaults. */
export type ResolvedWebSocketOptions = Required<Omit<WebSocketOptions, 'server' | 'tls'>> & {
  readonly server: Server | TlsServer | undefined
  readonly tls: TlsSettings | undefined
}

/** Fills and checks options. Throws INVALID_ARGUMENT (reason `invalid_options`). */
export function resolveWebSocketOptions(options: WebSocketOptions | undefined): ResolvedWebSocketOptions {
  const { tls, ...resolved } = resolveOptions<Omit<ResolvedWebSocketOptions, 'tls'> & GivenTls>(
    'websocket',
    {
      ...clientChecks,
      flushFrames: optional(integer({ min: 1 }), 32),
      headers: optional(headerFields, {}),
      handshakeTimeoutMs: optional(integer({ min: 1, max: MAX_TIMER_MS }), 10_000),
      accept: optional(fn<(request: UpgradeRequest) => boolean>(), () => true),
      server: optional(having<Server | TlsServer>('on', 'address')),
      tls: optional(tlsOptions),
    },
    options,
  )
  return { ...resolved, tls: tls && resolveTls('websocket', tls) }
}

/** Header fields that HTTP can carry. Their values are not told when it cannot: they are secrets, often. */
const headerFields: Check<Readonly<Record<string, string>>> = (value, name) => {
  if (typeof value !== 'object' || value === null) return E.left([`${name}: expected an object`])
  for (const [field, text] of Object.entries(value)) {
    try {
      validateHeaderName(field)
      validateHeaderValue(field, text)
    } catch {
      return E.left([`${name}: ${JSON.stringify(field)} is no header field that HTTP can carry`])
    }
  }
  return E.right(value as Readonly<Record<string, string>>)
}
