import { LARGE_ITEM_BYTES } from './byte-window.js'

/**
 * The receiving side of item credits: how much the sender may still send, and when to grant more.
 *
 * Credit is granted again when a quarter of the window has been consumed, or at once when the sender has none left:
 * with most of the window held by a slow consumer, a quarter would never come together. While it holds a large item it
 * is granted for each that is consumed, for then the sender may wait for bytes.
 */
export class CreditWindow {
  /** Items the sender may still send. */
  outstanding: number
  private readonly batch: number
  private readonly grant: (n: number) => void
  private consumed: number
  private held: number
  private holdsLarge: boolean

  /** A window of `size` items which the sender has been granted already; `grant` tells it of `n` more. */
  constructor(size: number, grant: (n: number) => void) {
    this.outstanding = size
    this.batch = Math.max(1, size >>> 2)
    this.grant = grant
    this.consumed = 0
    this.held = 0
    this.holdsLarge = false
  }

  /** An item of so many bytes has arrived. False when the sender had no credit for it. */
  receive(bytes = 0): boolean {
    if (this.outstanding === 0) return false
    this.outstanding--
    this.held++
    if (bytes >= LARGE_ITEM_BYTES) this.holdsLarge = true
    if (this.outstanding === 0 && this.consumed > 0) this.grantConsumed()
    return true
  }

  /** An item has been consumed. */
  consume(): void {
    this.consumed++
    this.held--
    if (this.holdsLarge || this.consumed >= this.batch || this.outstanding === 0) this.grantConsumed()
    if (this.held === 0) this.holdsLarge = false
  }

  private grantConsumed(): void {
    const n = this.consumed
    this.consumed = 0
    this.outstanding += n
    this.grant(n)
  }
}
