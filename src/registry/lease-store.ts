import type { Observable } from 'rxjs'

/** One key of a store and what it holds. */
export interface StoreRecord {
  /** The whole key. */
  readonly key: string
  /** What was put there. */
  readonly value: string
}

/** All records under a prefix at one revision. */
export interface StoreListing {
  /** Revision of the whole store when it was read. */
  readonly revision: number
  /** One record a key, in no order. */
  readonly records: readonly StoreRecord[]
}

/** What became of one key: what it holds now, or that it is gone (no value). */
export interface StoreChange {
  /** The whole key. */
  readonly key: string
  /** What it holds now; absent when it was deleted or its lease ran out. */
  readonly value?: string
}

/** What happened after a revision, in order; without changes it confirms that nothing did. */
export interface StoreChanges {
  /** Revision of the newest change; of the store, when there is none. */
  readonly revision: number
  /** In the order in which they were made. */
  readonly changes: readonly StoreChange[]
}

/**
 * A key-value store that has revisions, and leases that keys die with: what etcd is, and all that
 * {@link leasedRegistry} asks of it.
 *
 * Every method is cold and makes one attempt a subscription: who calls decides whether and when to try again. An
 * attempt ends within a time that the store is set up with. Failures are RpcErrors that name the server and the cause:
 * UNAVAILABLE (reason `registry_unavailable`, retry safe) when it cannot be reached, does not answer in time or has no
 * leader; UNAUTHENTICATED (`registry_unauthenticated`) and PERMISSION_DENIED (`registry_permission_denied`) when it
 * refuses us; RESOURCE_EXHAUSTED (`record_too_large`) for a value that it does not take. An attempt that failed may
 * have had its effect.
 */
export interface LeaseStore {
  /** Name of the kind of store, `etcd`. */
  readonly name: string
  /**
   * Keeps what attempts need, as connections, from the first subscription to the last; without one each attempt opens
   * and closes its own. Emits nothing, never ends.
   */
  readonly open$: Observable<never>
  /** All records whose key begins with `prefix`, as the leader knows them: one listing. */
  list(prefix: string): Observable<StoreListing>
  /**
   * The changes under `prefix` that were made after revision `after`, from now on, without a gap. It never completes,
   * and is never silent for long: it confirms, or fails. It fails with OUT_OF_RANGE (reason `compacted`) when the
   * store has forgotten some of them.
   */
  changes(prefix: string, after: number): Observable<StoreChanges>
  /**
   * Keeps a lease for another `ttlMs`, which count from when the server was asked at the latest; makes it when there
   * is none of that id. Emits once, when that is done.
   */
  hold(lease: LeaseId, ttlMs: number): Observable<void>
  /** Binds a key and its value to a lease, in place of whatever is there. Emits once, when that is done. */
  put(record: StoreRecord, lease: LeaseId): Observable<void>
  /** The same, unless another lease, or none, holds the key. Emits once: whether the record is there as given now. */
  claim(record: StoreRecord, lease: LeaseId): Observable<boolean>
  /** Ends a lease and deletes all keys bound to it, when there is such a lease. Emits once, when that is done. */
  release(lease: LeaseId): Observable<void>
}

/** Id of a lease, chosen by whoever holds it: a whole number from 1 to 2^63 - 1 in decimal digits. */
export type LeaseId = string
