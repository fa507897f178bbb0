import type { Observable } from 'rxjs'

/**
 * Carries frames between two processes over one kind of network.
 *
 * 1. Addresses are strings in the transport's own form; `listen` accepts one that leaves the choice open (port 0) and
 *    tells the chosen one as {@link Listener.address}, which `dial` accepts.
 * 2. `dial` and `listen` are cold: each subscription is one connection or one listener, emits it once, and stays.
 *    Unsubscribing closes it. Failures are `RpcError`s: UNAVAILABLE (reason `connect_failed`, retry safe) when nobody
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
  /** Where it listens, in a form that `dial` accepts. */
  readonly address: string
  /** Each accepted socket, hot; one that nobody takes is closed. Whoever takes it closes it. */
  readonly sockets: Observable<Socket>
}

/**
 * One connection that carries whole frames, in order, both ways, without loss until it ends.
 *
 * 3. `send` never calls `inbound` or `writable` before it returns.
 * 4. Frames sent in one turn leave together; `close` sends what was accepted first.
 * 5. Both ends learn of the end: `inbound` completes when the peer closed, and fails with UNAVAILABLE
 *    (reason `connection_lost`) when the connection broke. It completes after `close`, too.
 */
export interface Socket {
  /** Address of this end. */
  readonly local: string
  /** Address of the other end. */
  readonly remote: string
  /**
   * Frames as they arrive. One subscriber; nothing is read before it comes. Unsubscribing closes the socket abruptly.
   * A frame longer than the transport's limit fails it with RESOURCE_EXHAUSTED (reason `frame_too_large`) before its
   * body is buffered; sending still works until `close`.
   */
  readonly inbound: Observable<Frame>
  /**
   * Sends a frame of `length` bytes that `write` puts into `target` at `offset`, at once, within this call.
   * Gives false when the frame was accepted but more than the high-water mark waits to be sent: stop until
   * `writable` emits. On a closed socket it does nothing and gives false.
   */
  send(length: number, write: FrameWriter): boolean
  /** Emits when what waited has been sent after `send` gave false. Completes with the socket. */
  readonly writable: Observable<void>
  /** Sends what was accepted and closes. May be called again. */
  close(): void
}

/** Writes a frame of the announced length into `target` from `offset` on. */
export type FrameWriter = (target: Uint8Array, offset: number) => void

/**
 * A received frame: a view `bytes[start, end)`, valid only while `next` runs, for the object is used again.
 * The bytes themselves are never written again, so values may be views of them.
 */
export interface Frame {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}
