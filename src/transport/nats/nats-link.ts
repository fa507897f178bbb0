import type { Observable } from 'rxjs'
import type { Header, RpcError } from '../../core/index.js'

/** Names and values beside a payload, as NATS carries them; names keep their case. */
export interface NatsHeaders {
  /** Status of a message that the server made itself, 503 when nobody answers; 0 for others. */
  readonly code: number
  /** What the status says in words. */
  readonly description: string
  /** The first value of a name; `''` when there is none. */
  get(name: string): string
  /** All names. */
  keys(): readonly string[]
  /** All names, in lower case, and the first value of each. */
  lowerCased(): Header
}

/** One message as it arrived. */
export interface NatsMessage {
  /** Where it was published. */
  readonly subject: string
  /** Its payload; never written again, so values may be views of it. */
  readonly data: Uint8Array
  /** Where an answer goes; `undefined` or `''` when none is expected. */
  readonly reply?: string | undefined
  /** Its headers, read when first asked for. */
  readonly headers?: NatsHeaders | undefined
}

/** What goes with a payload that is published. */
export interface NatsPublishOptions {
  /** Where an answer is to go. @default none */
  readonly reply?: string
  /** Names and values, in order. Values with line breaks are refused with INVALID_ARGUMENT (reason `invalid_header`). @default none */
  readonly headers?: readonly (readonly [name: string, value: string])[]
}

/**
 * One connection to a NATS server, for as long as it lives; it never comes back, another one takes its place.
 * It is all that brokers and the transport ask of the client library, so that another one fits underneath.
 *
 * 1. What is published in one order arrives at the server in that order, or the link ends.
 * 2. After its end `publish` throws, and nothing calls back any more but what waits for confirmation.
 */
export interface NatsLink {
  /** The server, `127.0.0.1:4222`. */
  readonly server: string
  /** Longest payload that the server takes, headers included, bytes. */
  readonly maxPayloadBytes: number
  /** Version of the server, `2.9.10`. */
  readonly version: string
  /** Whether the server has JetStream. */
  readonly hasJetStream: boolean
  /**
   * Sends a payload, soon; it must not be written to any more. The subject is not checked: it must be one. Throws UNAVAILABLE (reason `connection_lost`) after the end, RESOURCE_EXHAUSTED (reason
   * `message_too_large`) with both numbers above `maxPayloadBytes`.
   */
  publish(subject: string, payload: Uint8Array, options?: NatsPublishOptions): void
  /**
   * Calls back once the server has everything that was published before this call; with UNAVAILABLE (reason
   * `connection_lost`) when the link ends first. With PERMISSION_DENIED (reason `nats_permission_denied`) when the server
   * has refused what was published to `subject` over this link, which it tells nobody else. Calls of one turn share one
   * PING. `done` is called in a later turn, once, and must not throw.
   */
  confirm(done: (error?: RpcError) => void, subject?: string): void
  /**
   * Calls `onMessage` for each message, in its turn, until the returned function is called. What it throws is reported as
   * RxJS reports what nobody handles. With `queue` the members of that queue group share the messages. A server that does
   * not allow it is reported to `onRefused`, with PERMISSION_DENIED (reason `nats_permission_denied`). After the end of
   * the link nothing happens.
   */
  subscribe(subject: string, onMessage: (message: NatsMessage) => void, options?: NatsSubscribeOptions): () => void
  /** A subject of this process, that nobody else uses. */
  inbox(): string
  /** Fails with UNAVAILABLE (reason `connection_lost`) when the link ends. Never completes. */
  readonly lost$: Observable<never>
}

/** Options of {@link NatsLink.subscribe}. */
export interface NatsSubscribeOptions {
  /** Name of the queue group. @default none, every subscriber gets every message */
  readonly queue?: string
  /** Whether what the server had sent before it knew of the end still comes. @default false */
  readonly drain?: boolean
  /** Hears when the server refuses the subscription; must not throw. @default nobody */
  readonly onRefused?: (error: RpcError) => void
}

/** How a connection is. */
export type NatsStatus =
  | { readonly state: 'connecting'; readonly attempt: number; readonly error?: RpcError }
  | { readonly state: 'connected'; readonly server: string }
  | { readonly state: 'disconnected' }

/**
 * A way to a NATS server or cluster, shared by whoever is given it. Opened when first used, closed when nobody has used
 * it for a while, and opened again, with growing pauses and without end, when it is lost.
 */
export interface NatsConnection {
  /**
   * The link there is at the moment, `undefined` while there is none; keeps the connection open while it is subscribed.
   * Fails only with what waiting cannot mend, and only before the first link: UNAUTHENTICATED (reason
   * `nats_unauthenticated`), or INVALID_ARGUMENT and UNAVAILABLE for TLS as the TLS transport has it.
   */
  readonly link$: Observable<NatsLink | undefined>
  /** How it is, the last first; watching keeps nothing open. Never ends. */
  readonly status$: Observable<NatsStatus>
}
