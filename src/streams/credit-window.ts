/**
 * The receiving side of item credits: how much the sender may still send, and when to grant more.
 *
 * Credit is granted again when a quarter of the window has been consumed, or at once when the sender has none left:
 * with most of the window held by a slow consumer, a quarter would never come together.
 */
export class CreditWindow {
  /** Items the sender may still send. */
  outstanding: number
  private readonly batch: number
  private readonly grant: (n: number) => void
  private consumed: number

  /** A window of `size` items which the sender has been granted already; `grant` tells it of `n` more. */
  constructor(size: number, grant: (n: number) => void) {
    this.outstanding = size
    this.batch = Math.max(1, size >>> 2)
    this.grant = grant
    this.consumed = 0
  }

  /** An item has arrived. False when the sender had no credit for it. */
  receive(): boolean {
    if (this.outstanding === 0) return false
    this.outstanding--
    if (this.outstanding === 0 && this.consumed > 0) this.grantConsumed()
    return true
  }

  /** An item has been consumed. */
  consume(): void {
    this.consumed++
    if (this.consumed >= this.batch || this.outstanding === 0) this.grantConsumed()
  }

  private grantConsumed(): void {
    const n = this.consumed
    this.consumed = 0
    this.outstanding += n
    this.grant(n)
  }
}
