import { defer, type Observable } from 'rxjs'
import {
  having,
  integer,
  MAX_TIMER_MS,
  number,
  optional,
  resolveOptions,
  type Runtime,
  systemRuntime,
} from '../../core/index.js'
import type { Listener, Socket, Transport } from '../transport.js'
import { natsDial } from './nats-dial.js'
import type { NatsConnection } from './nats-link.js'
import { natsListen } from './nats-listen.js'
import type { ResolvedNatsTransport } from './nats-socket-options.js'

/** What a {@link natsTransport} is made of, beside its connection. */
export interface NatsTransportOptions {
  /** Longest wait for a connection to open, or to listen, ms. @default 5000 */
  readonly connectTimeoutMs?: number
  /** How long `close` waits for the peer, ms. @default 5000 */
  readonly closeTimeoutMs?: number
  /** Longest frame, in bytes; one that the server does not take as a whole goes in parts. @default 16_777_215 */
  readonly maxFrameBytes?: number
  /** Bytes that the server has not confirmed above which `send` gives false. @default 262_144 */
  readonly highWaterMarkBytes?: number
  /** Most bytes of one message, at most what the server takes. @default 65_536 */
  readonly messageBytes?: number
  /** Most bytes that wait for who has not subscribed to `inbound` yet; then the connection ends. @default 1_048_576 */
  readonly maxUnreadBytes?: number
  /** Time, turns and ids. @default systemRuntime() */
  readonly runtime?: Runtime
}

/**
 * The transport over NATS: a connection is a pair of subjects, so that services need no open port, and are reached
 * wherever their server is. Addresses are `nats:orders.eu1`, a subject; `listen(':0')` chooses one.
 *
 * Core NATS may lose messages and tells nobody of a peer that is gone. Messages are numbered: one that is missing, or
 * comes twice, ends the connection (UNAVAILABLE, reason `connection_lost`), as the loss of the way to the server does, and
 * nothing is ever delivered wrongly; with `resume` calls go on over the next one. A peer that vanished is noticed by the
 * keepalive of the protocol. A listener stays: it listens again as soon as there is a server.
 *
 * `send` gives false while more than `highWaterMarkBytes` wait for the server to confirm them (its PONG). NATS knows no
 * way to hold up who sends: what a peer sends is held up by the credit of the protocol alone.
 *
 * A server that does not allow the subjects fails `dial` with PERMISSION_DENIED (reason `nats_permission_denied`).
 *
 * Throws INVALID_ARGUMENT (reason `invalid_options`).
 */
export function natsTransport(connection: NatsConnection, options?: NatsTransportOptions): Transport {
  const resolved = resolveOptions<ResolvedNatsTransport>(
    'natsTransport',
    {
      connectTimeoutMs: optional(integer({ min: 1, max: MAX_TIMER_MS }), 5000),
      closeTimeoutMs: optional(integer({ min: 1, max: MAX_TIMER_MS }), 5000),
      maxFrameBytes: optional(integer({ min: 64, max: 16_777_215 }), 16_777_215),
      highWaterMarkBytes: optional(number({ min: 0 }), 262_144),
      messageBytes: optional(integer({ min: 64 }), 65_536),
      maxUnreadBytes: optional(integer({ min: 1024, max: Infinity }), 1_048_576),
      runtime: optional(having<Runtime>('scheduler', 'id', 'microtask', 'macrotask'), systemRuntime()),
    },
    options,
  )
  return {
    name: 'nats',
    dial: (address): Observable<Socket> => defer(() => natsDial(connection, address, resolved)),
    listen: (address): Observable<Listener> => defer(() => natsListen(connection, address, resolved)),
  }
}
