import type { Observable } from 'rxjs'
import type { Header } from '../core/index.js'
import type { PeerCertificate } from '../transport/index.js'
import type { DirectPeer, Peer } from './peer.js'

/** What each side told the other when the connection was set up; names and values. */
export type Attributes = { readonly [name: string]: string }

/**
 * A live connection, symmetrical: either side may call the other.
 */
export interface Connection extends DirectPeer {
  /** Address of this end. */
  readonly local: string
  /** Address of the other end. */
  readonly remote: string
  /** The certificate that the peer has proven to be its own, where the transport secures connections and it has one. */
  readonly peerCertificate: PeerCertificate | undefined
  /** What the peer told about itself, unproven. */
  readonly attributes: Attributes
  /** Current status first, then every change; `draining` takes no new calls. Completes after `closed`. */
  readonly status: Observable<ConnectionStatus>
  /** Calls that run on it, in both directions. */
  readonly running: number
  /**
   * What the peer has pushed with {@link metadataPush}; hot. What does not read as a header, or comes while nobody is
   * subscribed, is dropped. Completes with the connection.
   */
  readonly pushes: Observable<Header>
  /**
   * Tells the peer something outside of any call: no answer, no flow control, no promise that anybody reads it. Names are
   * sent in lower case. Throws INVALID_ARGUMENT (reason `invalid_header`).
   */
  metadataPush(header: Header): void
  /** Takes no new calls, tells the peer, and closes when the running ones have ended. May be called again. */
  drain(): void
}

/** `open` takes calls, `draining` ends those it has, `closed` is over. */
export type ConnectionStatus = 'open' | 'draining' | 'closed'

/** A server socket that answers calls. */
export interface Binding {
  /** Where it listens, in a form that `connect` accepts. */
  readonly address: string
  /**
   * Stops accepting connections, tells connected peers to send no new calls, and completes when every running call has
   * ended, a tell as soon as it was read, and every connection is closed. Unsubscribing from it does not undo it.
   */
  drain(): Observable<never>
}

/** Options of {@link Protocol.connect}. */
export interface ConnectOptions {
  /** Answers calls that the server makes to its client over the same connection. @default refuses with UNIMPLEMENTED */
  readonly serve?: Peer
}

/**
 * Speaks calls over a transport, which its factory takes: `rsocket(tcp())`.
 *
 * Both methods are cold; unsubscribing aborts: connections close, calls running on them fail with UNAVAILABLE at the
 * other end and are cancelled at ours.
 */
export interface Protocol {
  /** Name of the protocol, `rsocket`; registered with each node. */
  readonly name: string
  /** Name of the transport below, `tcp`; registered with each node. */
  readonly transport: string
  /** Opens a connection. Emits it once; completes when it ends gracefully, fails when it breaks. */
  connect(address: string, options?: ConnectOptions): Observable<Connection>
  /** Listens. Emits the binding once. `serve` is asked once a connection for the peer that answers its calls. */
  listen(address: string, serve: (remote: Connection) => Peer): Observable<Binding>
}
