import type { Observable } from 'rxjs'

/**
 * Carries frames between two processes over one kind of network.
 *
 * 1. Addresses are strings in the transport's own form. `listen(':0')` leaves the choice to any transport; the chosen
 *    address is told as {@link Listener.address}, which `dial` accepts.
 * 2. `dial` and `listen` are cold: each subscription is one connection or one listener, emits it once, and stays.
 *    Unsubscribing ends it. Failures are `RpcError`s: UNAVAILABLE (reason `connect_failed`, retry safe) when nobody
 *    listens or no answer came in time, INVALID_ARGUMENT (reason `invalid_address`) for an address that is none,
 *    UNAVAILABLE (reason `listen_failed`) when the address cannot be had.
 */
export interface Transport {
  /** Name of the network, `tcp`; registered with each node. */
  readonly name: string
  /** Connects to `address`. Emits the socket once it is open; completes or fails with the socket. */
  dial(address: string): Observable<Socket>
  /** Listens on `address`. Emits the listener once it accepts. Unsubscribing stops accepting, sockets live on. */
  listen(address: string): Observable<Listener>
}

/** A place where sockets arrive. */
export interface Listener {
  /** Where it listens, in a form that `dial` accepts, also on another machine where the network allows. */
  readonly address: string
  /** Each accepted socket, hot; one that nobody takes is closed. Whoever takes it closes it. */
  readonly sockets: Observable<Socket>
}

/**
 * One connection that carries whole frames, in order, both ways, without loss until it ends.
 *
 * 3. `send` never calls `inbound` or `writable` before it returns.
 * 4. Frames sent in one turn leave together, or in groups; `close` sends what was accepted first.
 * 5. Both ends learn of the end: `inbound` completes when the peer closed, and fails with UNAVAILABLE
 *    (reason `connection_lost`) when the connection broke. It completes after `close`, too: once what was accepted is on
 *    its way and the peer has closed, or has had its time to.
 * 6. After `close`, and after the peer's, no frame arrives any more: what the other end still had under way is dropped.
 * 7. Ending a connection abruptly, by unsubscribing from `inbound` or from `dial`, drops what is unsent. The peer's
 *    `inbound` completes or fails. After `close`, unsubscribing changes nothing: what was accepted still leaves.
 */
export interface Socket {
  /** Address of this end. */
  readonly local: string
  /** Address of the other end. */
  readonly remote: string
  /** The certificate that the other end has proven to be its own; none where connections are not secured, or it has none. */
  readonly peerCertificate?: PeerCertificate | undefined
  /**
   * Frames as they arrive. One subscriber (a second fails with FAILED_PRECONDITION, reason `inbound_taken`); frames wait
   * in the network, which bounds them, until it comes. Unsubscribing ends the connection abruptly.
   *
   * A frame longer than the transport's limit fails it with RESOURCE_EXHAUSTED (reason `frame_too_large`) before its
   * body is buffered; sending still works until `close`, so that the peer can be told.
   */
  readonly inbound: Observable<Frame>
  /**
   * Sends a frame of `length` bytes that `write` puts into `target` at `offset`, at once, within this call.
   * Gives false when the frame was accepted but more than the high-water mark waits to be sent: stop until
   * `writable` emits. On a closed socket it does nothing and gives false.
   *
   * Throws RESOURCE_EXHAUSTED (reason `frame_too_large`) when `length` is above the transport's limit, and what `write`
   * throws; then nothing is sent and the socket is as before.
   */
  send(length: number, write: FrameWriter): boolean
  /** Emits when what waited has been sent after `send` gave false. Completes with the socket. */
  readonly writable: Observable<void>
  /** Sends what was accepted and closes. May be called again. */
  close(): void
}

/** Who the other end of a secured connection is, by a certificate of an authority that is trusted here. */
export interface PeerCertificate {
  /** Whom it is for, in one line: `O=Mill, CN=words`. */
  readonly subject: string
  /** Its alternative names, as X.509 writes them: `DNS:words.internal`, `URI:spiffe://mill/words`. */
  readonly names: readonly string[]
  /** Who issued it, in one line. */
  readonly issuer: string
  /** SHA-256 of the certificate, hexadecimal bytes with colons between them. */
  readonly fingerprint256: string
}

/**
 * Writes a frame of the announced length into `target` from `offset` on: all of its bytes, for the target is not
 * cleared, and none beside them. It must not use the socket it writes for.
 */
export type FrameWriter = (target: Uint8Array, offset: number) => void

/**
 * A received frame: a view `bytes[start, end)`, valid only while `next` runs, for the object is used again.
 * The bytes themselves are never written again, so values may be views of them.
 */
export interface Frame {
  /** Memory that holds the frame, and others beside it. */
  readonly bytes: Uint8Array
  /** Index of the frame's first byte. */
  readonly start: number
  /** Index behind the frame's last byte. */
  readonly end: number
}
