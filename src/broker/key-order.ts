import { RingBuffer } from '../core/index.js'

/** Lets one item of each key pass at a time; the others of the key wait behind it, in order. Items without a key pass. */
export class KeyOrder<T extends { readonly key?: string | undefined }> {
  /** What waits behind the one item of a key that has passed; `undefined` when nothing does. */
  private readonly waiting: Map<string, RingBuffer<T> | undefined>

  constructor() {
    this.waiting = new Map()
  }

  /** Whether an item may go on at once; otherwise it waits. */
  admit(item: T): boolean {
    const { key } = item
    if (key === undefined) return true
    if (!this.waiting.has(key)) {
      this.waiting.set(key, undefined)
      return true
    }
    const behind = this.waiting.get(key) ?? new RingBuffer()
    this.waiting.set(key, behind)
    behind.push(item)
    return false
  }

  /** An item that had passed is done: gives the next of its key, which passes now. */
  done({ key }: T): T | undefined {
    if (key === undefined) return undefined
    const next = this.waiting.get(key)?.shift()
    if (next === undefined) this.waiting.delete(key)
    return next
  }
}
