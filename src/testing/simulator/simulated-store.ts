import { Subject, type Subscription } from 'rxjs'
import { retrySafely, RpcError, type Runtime } from '../../core/index.js'
import type { LeaseId, StoreChange, StoreChanges, StoreListing, StoreRecord } from '../../registry/index.js'

interface Held {
  readonly value: string
  readonly lease: LeaseId
}

interface Lease {
  readonly ttlMs: number
  readonly keys: Set<string>
  expiry: Subscription | undefined
}

interface Commit {
  readonly revision: number
  readonly changes: readonly StoreChange[]
}

/** Revision of a store that holds nothing yet, as etcd counts. */
const FIRST_REVISION = 1

/** What an etcd keeps, on a machine of its own: keys, their leases, and what has changed since which revision. */
export class SimulatedStore {
  /** Emits when something has changed, which then shows. */
  readonly committed$: Subject<void>
  /** Emits when its process dies: whatever was connected to it is not any more. */
  readonly crashed$: Subject<void>
  /** Whether it answers. */
  isDown: boolean
  private readonly runtime: Runtime
  private readonly records: Map<string, Held>
  private readonly leases: Map<LeaseId, Lease>
  private readonly history: Commit[]
  private current: number
  /** Changes up to this revision are forgotten. */
  private compactedTo: number
  private isForgetful: boolean

  constructor(runtime: Runtime) {
    this.committed$ = new Subject()
    this.crashed$ = new Subject()
    this.isDown = false
    this.runtime = runtime
    this.records = new Map()
    this.leases = new Map()
    this.history = []
    this.current = FIRST_REVISION
    this.compactedTo = 0
    this.isForgetful = false
  }

  /** How often it has changed, and one more. */
  get revision(): number {
    return this.current
  }

  /** All records whose key begins with `prefix`. */
  list(prefix: string): StoreListing {
    const records = [...this.records]
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, { value }]): StoreRecord => ({ key, value }))
    return { revision: this.current, records }
  }

  /** What has changed under `prefix` after a revision. Throws OUT_OF_RANGE (reason `compacted`). */
  since(prefix: string, after: number): StoreChanges {
    if (after < this.compactedTo) throw compacted(this.compactedTo)
    const commits = this.history
      .filter(({ revision }) => revision > after)
      .map(({ revision, changes }) => ({ revision, changes: changes.filter(({ key }) => key.startsWith(prefix)) }))
      .filter(({ changes }) => changes.length > 0)
    return {
      revision: commits.at(-1)?.revision ?? this.current,
      changes: commits.flatMap(({ changes }) => changes),
    }
  }

  /** Keeps a lease, or makes it. */
  hold(id: LeaseId, ttlMs: number): void {
    const lease = this.leases.get(id) ?? { ttlMs, keys: new Set(), expiry: undefined }
    this.leases.set(id, lease)
    this.arm(id, lease)
  }

  /** Binds a key to a lease, in place of whatever is there. Throws UNAVAILABLE when there is no such lease. */
  put(record: StoreRecord, id: LeaseId): void {
    const { key, value } = record
    const lease = this.leases.get(id)
    if (lease === undefined) throw noLease(key)
    const before = this.records.get(key)
    if (before !== undefined) this.leases.get(before.lease)?.keys.delete(key)
    this.records.set(key, { value, lease: id })
    lease.keys.add(key)
    this.commit([record])
  }

  /** The same, unless another lease holds the key. Gives whether the record is there. */
  claim(record: StoreRecord, id: LeaseId): boolean {
    const before = this.records.get(record.key)
    if (before !== undefined && before.lease !== id) return false
    if (before?.value !== record.value) this.put(record, id)
    return true
  }

  /** Ends a lease, and its keys with it. */
  release(id: LeaseId): void {
    const lease = this.leases.get(id)
    if (lease === undefined) return
    lease.expiry?.unsubscribe()
    this.leases.delete(id)
    for (const key of lease.keys) this.records.delete(key)
    if (lease.keys.size > 0) this.commit([...lease.keys].map(key => ({ key })))
  }

  /** Kills it, or starts it again: a lease then lasts as long as if it had just been renewed, as etcd has it. */
  setDown(down: boolean): void {
    if (down === this.isDown) return
    this.isDown = down
    if (!down) return this.leases.forEach((lease, id) => this.arm(id, lease))
    for (const { expiry } of this.leases.values()) expiry?.unsubscribe()
    this.crashed$.next()
  }

  /** Whether it forgets every change as soon as it is made, as an etcd does that is compacted all the time. */
  setForgetful(forgetful: boolean): void {
    this.isForgetful = forgetful
    if (forgetful) this.compact()
  }

  /** Its data is gone, and it counts from the beginning. */
  wipe(): void {
    for (const { expiry } of this.leases.values()) expiry?.unsubscribe()
    this.leases.clear()
    this.records.clear()
    this.history.length = 0
    this.current = FIRST_REVISION
    this.compactedTo = 0
    this.committed$.next()
  }

  private compact(): void {
    this.history.length = 0
    this.compactedTo = this.current
  }

  private arm(id: LeaseId, lease: Lease): void {
    lease.expiry?.unsubscribe()
    lease.expiry = this.runtime.scheduler.schedule(() => this.release(id), lease.ttlMs)
  }

  private commit(changes: readonly StoreChange[]): void {
    this.current++
    this.history.push({ revision: this.current, changes })
    this.committed$.next() // who follows takes it before it is forgotten
    if (this.isForgetful) this.compact()
  }
}

function compacted(to: number): RpcError {
  const message = `the simulated store: what came before revision ${to} has been compacted`
  return new RpcError('OUT_OF_RANGE', message, { reason: 'compacted', retry: retrySafely })
}

function noLease(key: string): RpcError {
  const message = `the simulated store: ${key} is put under a lease that there is none of`
  return new RpcError('UNAVAILABLE', message, { reason: 'registry_unavailable', retry: retrySafely })
}
