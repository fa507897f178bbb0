/**
 * A first-in-first-out queue that grows by doubling and never moves items one by one.
 *
 * ```
 *   head            tail
 *     ↓               ↓
 * [ . a b c d e f g h . . . . . . . ]   length = (tail - head) & mask
 * ```
 * One slot always stays free, so `head === tail` means empty. Vacated slots are cleared: a taken item is not retained.
 */
export class RingBuffer<T> {
  private items: (T | undefined)[]
  private mask: number
  private head: number
  private tail: number

  /** Makes an empty queue; room for 15 items is allocated by the first `push`. */
  constructor() {
    this.items = NONE
    this.mask = 0
    this.head = 0
    this.tail = 0
  }

  /** How many items wait. */
  get length(): number {
    return (this.tail - this.head) & this.mask
  }

  /** Appends an item. */
  push(item: T): void {
    const next = (this.tail + 1) & this.mask
    if (next === this.head) {
      this.grow()
      this.push(item)
      return
    }
    this.items[this.tail] = item
    this.tail = next
  }

  /** Removes and gives the oldest item; `undefined` when empty. */
  shift(): T | undefined {
    if (this.head === this.tail) return undefined
    const item = this.items[this.head]
    this.items[this.head] = undefined
    this.head = (this.head + 1) & this.mask
    return item
  }

  /** Removes and gives the newest item; `undefined` when empty. */
  pop(): T | undefined {
    if (this.head === this.tail) return undefined
    this.tail = (this.tail - 1) & this.mask
    const item = this.items[this.tail]
    this.items[this.tail] = undefined
    return item
  }

  /** The oldest item, left in place; `undefined` when empty. */
  peek(): T | undefined {
    return this.items[this.head]
  }

  private grow(): void {
    const length = this.length
    const size = Math.max(16, this.items.length * 2)
    const items = new Array<T | undefined>(size)
    for (let index = 0; index < length; index++) items[index] = this.items[(this.head + index) & this.mask]
    this.items = items
    this.mask = size - 1
    this.head = 0
    this.tail = length
  }
}

const NONE: never[] = []
