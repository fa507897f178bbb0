import { RingBuffer } from '../core/index.js'

/** Lets one item of each key pass at a time; the others of the key wait behind it, in order. Items without a key pass. */
export class KeyOrder<T extends { readonly key?: string | undefined }> {
  /** What waits behind the one item of a key that has passed; nothing yet, as a rule. */
  private readonly behind: Map<string, RingBuffer<T>>
  private waiting: number

  constructor() {
    this.behind = new Map()
    this.waiting = 0
  }

  /** How many wait. */
  get length(): number {
    return this.waiting
  }

  /** Whether an item may go on at once; otherwise it waits. */
  admit(item: T): boolean {
    if (item.key === undefined) return true
    const behind = this.behind.get(item.key)
    if (behind === undefined) {
      this.behind.set(item.key, new RingBuffer())
      return true
    }
    behind.push(item)
    this.waiting++
    return false
  }

  /** An item that had passed is done: gives the next of its key, which passes now. */
  done({ key }: T): T | undefined {
    if (key === undefined) return undefined
    const next = this.behind.get(key)?.shift()
    if (next === undefined) this.behind.delete(key)
    else this.waiting--
    return next
  }

  /** Takes out all that wait, key by key. */
  clear(): readonly T[] {
    const items: T[] = []
    for (const behind of this.behind.values()) {
      for (let item = behind.shift(); item !== undefined; item = behind.shift()) items.push(item)
    }
    this.behind.clear()
    this.waiting = 0
    return items
  }
}
