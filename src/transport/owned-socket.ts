import type { RpcError } from '../core/index.js'
import type { Socket } from './transport.js'

/** A {@link Socket} as the subscription that opened it sees it: that one ends it, and ends with it. */
export interface OwnedSocket extends Socket {
  /** Ends the connection at once, dropping what is unsent, unless `close` has begun to end it in order. */
  abort(): void
  /** Calls `listener` when the connection has ended, with the error it ended with. One listener. */
  onEnd(listener: (error: RpcError | undefined) => void): void
}
