import { directory, type Listing } from '../directory.js'
import type { StoreChanges, StoreListing, StoreRecord } from '../lease-store.js'
import type { Instance } from '../registry.js'

/** The records of a store, read and kept by key, and listed the way snapshots are. */
export interface RecordView {
  /** Revision of the newest change that it shows, and of the listing before there are any; -1 before that. */
  readonly revision: number
  /**
   * Makes it show a listing, in which nothing that did not change is read again. What is missing from it is shown until
   * {@link dropMissing}. Says whether there is such.
   */
  reset(listing: StoreListing): boolean
  /** Takes out what was missing from the last listing and has not come back. */
  dropMissing(): void
  /** Makes it show what changed since its revision. */
  apply(changes: StoreChanges): void
  /** What it shows now; the same object until something changes. */
  listing(): Listing
}

/** An empty view; `read` gives what a record says, or nothing when it is none. */
export function recordView(read: (record: StoreRecord) => Instance | undefined): RecordView {
  return new KeyedRecords(read)
}

interface Known {
  readonly value: string
  readonly instance: Instance | undefined
}

class KeyedRecords implements RecordView {
  revision: number
  private readonly read: (record: StoreRecord) => Instance | undefined
  private readonly known: Map<string, Known>
  private readonly nodes = directory()
  /** Keys that were not in the last listing. */
  private missing: Set<string>

  constructor(read: (record: StoreRecord) => Instance | undefined) {
    this.revision = -1
    this.read = read
    this.known = new Map()
    this.missing = new Set()
  }

  reset({ revision, records }: StoreListing): boolean {
    this.missing = new Set(this.known.keys())
    for (const record of records) this.put(record)
    this.revision = revision
    return this.missing.size > 0
  }

  dropMissing(): void {
    for (const key of this.missing) this.remove(key)
  }

  apply({ revision, changes }: StoreChanges): void {
    for (const { key, value } of changes) {
      if (value === undefined) this.remove(key)
      else this.put({ key, value })
    }
    // A confirmation may come before changes that were made earlier.
    if (changes.length > 0) this.revision = revision
  }

  listing(): Listing {
    return this.nodes.listing()
  }

  private put(record: StoreRecord): void {
    const { key, value } = record
    this.missing.delete(key)
    const before = this.known.get(key)
    if (before?.value === value) return
    const instance = this.read(record)
    this.known.set(key, { value, instance })
    if (instance !== undefined) this.nodes.put(instance)
    else if (before?.instance !== undefined) this.withdraw(before.instance)
  }

  private remove(key: string): void {
    const before = this.known.get(key)
    this.missing.delete(key)
    this.known.delete(key)
    if (before?.instance !== undefined) this.withdraw(before.instance)
  }

  private withdraw({ name, node }: Instance): void {
    this.nodes.remove(name, node.id)
  }
}
