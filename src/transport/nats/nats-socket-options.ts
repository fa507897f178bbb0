import type { MessageSocketOptions } from '../message-socket.js'
import type { NatsMessageLinkOptions } from './nats-message-link.js'

/** Options of the transport, filled and checked; the meaning and defaults are those of the transport's. */
export interface ResolvedNatsTransport extends MessageSocketOptions, NatsMessageLinkOptions {
  /** Longest wait for a connection to open, or to listen, ms. */
  readonly connectTimeoutMs: number
}
