import type { Etcd3, IKeyValue } from 'etcd3'
import { from, map, type Observable, of, switchMap } from 'rxjs'
import type { LeaseId, LeaseStore, StoreListing, StoreRecord } from '../lease-store.js'
import type { ResolvedEtcdOptions } from './etcd-options.js'
import type { EtcdClients } from './etcd-clients.js'
import { holdLease, revokeLease } from './lease-calls.js'
import { listPages } from './list-pages.js'
import { watchChanges } from './watch-changes.js'

/** etcd, as a store with leases. */
export function etcdStore(clients: EtcdClients, options: ResolvedEtcdOptions): LeaseStore {
  return new EtcdStore(clients, options)
}

class EtcdStore implements LeaseStore {
  readonly name = 'etcd'
  readonly open$: Observable<never>
  private readonly clients: EtcdClients
  private readonly options: ResolvedEtcdOptions

  constructor(clients: EtcdClients, options: ResolvedEtcdOptions) {
    this.open$ = clients.open$
    this.clients = clients
    this.options = options
  }

  list(prefix: string): Observable<StoreListing> {
    return this.clients.ask(({ client }) => listPages(client, prefix))
  }

  changes(prefix: string, after: number): ReturnType<LeaseStore['changes']> {
    return this.clients.follow(member => watchChanges(member, { prefix, after }, this.options))
  }

  hold(lease: LeaseId, ttlMs: number): Observable<void> {
    return this.clients.ask(member => holdLease(member, lease, ttlMs, this.options))
  }

  put(record: StoreRecord, lease: LeaseId): Observable<void> {
    return this.clients.ask(({ client }) => client.kv.put(putOf(record, lease))).pipe(map(() => undefined))
  }

  claim(record: StoreRecord, lease: LeaseId): Observable<boolean> {
    return this.clients.ask(({ client }) =>
      // Read first: a transaction that may write costs all members a write to disk, also when it does not.
      from(client.kv.range({ key: Buffer.from(record.key) })).pipe(
        switchMap(({ kvs: [held] }) => {
          if (held !== undefined && held.lease !== lease) return of(false)
          if (held?.value.equals(Buffer.from(record.value))) return of(true)
          return putWhile(held, client, record, lease)
        }),
      ),
    )
  }

  release(lease: LeaseId): Observable<void> {
    return this.clients.ask(({ client }) => revokeLease(client, lease))
  }
}

function putOf({ key, value }: StoreRecord, lease: LeaseId): { key: Buffer; value: Buffer; lease: LeaseId } {
  return { key: Buffer.from(key), value: Buffer.from(value), lease }
}

/** Puts a record when its key is still as `held` says: absent, or bound to our lease. */
async function putWhile(
  held: IKeyValue | undefined,
  client: Etcd3,
  record: StoreRecord,
  lease: LeaseId,
): Promise<boolean> {
  const key = Buffer.from(record.key)
  const { succeeded } = await client.kv.txn({
    compare: [
      held === undefined
        ? { key, target: 'Create', result: 'Equal', create_revision: 0 }
        : { key, target: 'Lease', result: 'Equal', lease },
    ],
    success: [{ request_put: putOf(record, lease) }],
  })
  return succeeded
}
