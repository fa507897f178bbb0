import type { Server } from 'node:http'
import { fn, having, integer, MAX_TIMER_MS, optional, resolveOptions } from '../../core/index.js'
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
  /** Header fields that `dial` sends with its request, for a token or a cookie. @default none */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * How long a client of the listener may take from connecting to the end of its request, in ms; then it is cut off.
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
   * An HTTP server to share: the transport answers only requests to upgrade, on the path that is listened on. The
   * server is the caller's, to start and to stop; `listen` waits for it, and fails when its port is none of the
   * address. One listener a path.
   * @default each listener has a server of its own, which answers anything else with 426
   */
  readonly server?: Server
}

/** {@link WebSocketOptions} with all defaults. */
export type ResolvedWebSocketOptions = Required<Omit<WebSocketOptions, 'server'>> & {
  readonly server: Server | undefined
}

/** Fills and checks options. Throws INVALID_ARGUMENT (reason `invalid_options`). */
export function resolveWebSocketOptions(options: WebSocketOptions | undefined): ResolvedWebSocketOptions {
  return resolveOptions<ResolvedWebSocketOptions>(
    'websocket',
    {
      ...clientChecks,
      flushFrames: optional(integer({ min: 1 }), 32),
      headers: optional(having<Readonly<Record<string, string>>>(), {}),
      handshakeTimeoutMs: optional(integer({ min: 1, max: MAX_TIMER_MS }), 10_000),
      accept: optional(fn<(request: UpgradeRequest) => boolean>(), () => true),
      server: optional(having<Server>('on', 'address')),
    },
    options,
  )
}
