import { WebSocket } from 'ws'
import { TOO_LONG } from '../close-code.js'

/**
 * A WebSocket of `ws` that tells of the peer's goodbye when it comes, and that stays open for sending after it has
 * refused a message that is too long, so that the peer can be told why; `ws` itself closes at once.
 *
 * `ws` calls `close` of the instance for both: with a code alone when it refuses what it reads, otherwise to answer the
 * peer's closing frame with the same code and words, or with nothing where there was no code.
 */
export class LingeringWebSocket extends WebSocket {
  /** Called when the peer has said goodbye; all that it sent has been delivered. */
  onGoodbye: (() => void) | undefined
  /** Whether it has refused a message that is too long; set before the error is emitted. */
  refusedLong = false

  override close(code?: number, data?: string | Buffer): void {
    const refuses = code !== undefined && data === undefined
    if (refuses && code === TOO_LONG) {
      this.refusedLong = true
      return
    }
    super.close(code, data)
    if (!refuses) this.onGoodbye?.()
  }

  /** Says goodbye after what was accepted. */
  leave(code: number): void {
    super.close(code)
  }
}
