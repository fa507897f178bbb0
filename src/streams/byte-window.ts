import { RingBuffer } from '../core/index.js'

/** Bytes from which on an item counts against a {@link ByteWindow}; smaller ones are bounded well by their number. */
export const LARGE_ITEM_BYTES = 16_384

/**
 * The sending side's bound on the bytes of large items that are on their way, beside the credit that bounds the number
 * of all: a window of 256 items of 1 MiB would be a quarter of a gigabyte at the receiver.
 *
 * Credit that comes back says how many items were consumed, and items are taken to be consumed in their order. A receiver
 * gives credit for each item at once while it holds a large one ({@link CreditWindow}), so nobody waits for ever.
 */
export class ByteWindow {
  private readonly limit: number
  private readonly large: RingBuffer<LargeItem>
  private bytes: number
  private sent: number
  private consumed: number

  /** A window of `limit` bytes, and at least one item. */
  constructor(limit: number) {
    this.limit = limit
    this.large = new RingBuffer()
    this.bytes = 0
    this.sent = 0
    this.consumed = 0
  }

  /** Whether another item may be sent. */
  get open(): boolean {
    return this.bytes < this.limit
  }

  /** An item of so many bytes is sent. */
  send(bytes: number): void {
    const number = this.sent++
    if (bytes < LARGE_ITEM_BYTES) return
    this.bytes += bytes
    this.large.push({ number, bytes })
  }

  /** So many items have been consumed, beside those known already. */
  consume(items: number): void {
    this.consumed += items
    for (let oldest = this.large.peek(); oldest !== undefined && oldest.number < this.consumed;) {
      this.bytes -= oldest.bytes
      this.large.shift()
      oldest = this.large.peek()
    }
  }
}

interface LargeItem {
  readonly number: number
  readonly bytes: number
}
