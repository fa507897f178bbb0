/** What a party of a scenario is to do. */
export interface Party {
  /** Where it finds etcd. */
  readonly endpoint: string
  /** What all keys begin with. */
  readonly prefix: string
  /** Time to live of what it registers, ms. */
  readonly ttlMs: number
  /** What it registers, each written as its key: `words/a`. */
  readonly nodes: readonly string[]
  /** Whether it watches. */
  readonly watches: boolean
}

/** What a party has seen. */
export interface Told {
  /** When, ms since 1970. */
  readonly at: number
  /** The node that is registered now, or lost. */
  readonly node?: string
  /** Why others may not see it; empty when they do. */
  readonly lost?: string
  /** All nodes of a snapshot, in its order. */
  readonly view?: readonly string[]
  /** Whether the snapshot is stale. */
  readonly stale?: boolean
}
