import type { RpcError } from '../core/index.js'

/**
 * An open connection that carries whole messages: what `ws` and the WebSocket of a browser have in common, for
 * {@link messageSocket}.
 */
export interface MessageLink {
  /** Bytes that were accepted and that the system has not taken. */
  readonly unsentBytes: number
  /** Tells `sink` from now on what happens. Messages wait for {@link read} where the platform lets them. */
  open(sink: MessageSink): void
  /** Memory for a message of `length` bytes. */
  allocate(length: number): Uint8Array
  /**
   * Sends a message, whose memory it keeps. With `notify` the sink is told, never before this call returns, when this
   * message and all before it have been taken.
   */
  send(message: Uint8Array, notify: boolean): void
  /** Lets messages come. */
  read(): void
  /** Sends what was accepted, then says goodbye with `code`. The end comes as {@link MessageSink.ended}. */
  close(code: number): void
  /** Ends the connection at once, as far as the platform can. */
  destroy(): void
}

/** Who is told what happens to a {@link MessageLink}. */
export interface MessageSink {
  /** A binary message; its bytes are never written again. */
  message(bytes: Uint8Array): void
  /** A text message of `length` bytes or characters. */
  text(length: number): void
  /** A message above the limit is announced or has come; nothing further comes. Sending still works until `close`. */
  tooLong(): void
  /** What was sent with `notify` has been taken, and all before it. */
  drained(): void
  /** The connection is closing though `close` was not called. Sending is over. `error` says why, if not in order. */
  leaving(error: RpcError | undefined): void
  /** The connection is over, in order or with an error. */
  ended(error: RpcError | undefined): void
}
