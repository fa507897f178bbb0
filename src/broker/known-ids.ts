import type { Receipt } from './broker.js'

/** How long ids are known. */
export interface KnownIdsOptions {
  /** Time after which an id is forgotten, ms. */
  readonly deduplicateMs: number
  /** Most ids; then the oldest is forgotten. */
  readonly maxIds: number
}

/** The receipts of messages whose publishers named them, so that one which comes a second time is known. */
export class KnownIds {
  private readonly options: KnownIdsOptions
  /** By id, the oldest first. */
  private readonly known: Map<string, { readonly receipt: Receipt; readonly until: number }>

  constructor(options: KnownIdsOptions) {
    this.options = options
    this.known = new Map()
  }

  /** Remembers a receipt from `now` on. */
  add(receipt: Receipt, now: number): void {
    const { deduplicateMs, maxIds } = this.options
    // All are known for the same time, so those that are over come first.
    for (const [id, { until }] of this.known) {
      if (until > now && this.known.size < maxIds) break
      this.known.delete(id)
    }
    this.known.set(receipt.id, { receipt, until: now + deduplicateMs })
  }

  /** The receipt of a message that is known `now`. */
  find(id: string, now: number): Receipt | undefined {
    const known = this.known.get(id)
    return known !== undefined && known.until > now ? known.receipt : undefined
  }
}
