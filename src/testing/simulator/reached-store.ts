import { filter, interval, map, merge, NEVER, Observable, tap, timeout, withLatestFrom } from 'rxjs'
import { retrySafely, RpcError, type Runtime } from '../../core/index.js'
import type { LeaseId, LeaseStore, StoreChanges, StoreListing, StoreRecord } from '../../registry/index.js'
import type { SimulatedStore } from './simulated-store.js'
import { StoreConnection, type Served, type ServerPath } from './store-connection.js'

/** The way to a store. */
export type StorePath = ServerPath<SimulatedStore>

/** What a process takes for the silence of a store. */
export interface Silences {
  /** How long it waits for one answer, ms. */
  readonly callTimeoutMs: number
  /** How often the store confirms to who follows that nothing has changed, ms. */
  readonly confirmMs: number
}

/** A store as a process reaches it, over one connection at a time. */
export function reachedStore(path: StorePath, silences: Silences): LeaseStore {
  return new ReachedStore(path, silences)
}

class ReachedStore implements LeaseStore {
  readonly name = 'simulated'
  readonly open$: Observable<never> = NEVER
  private readonly path: StorePath
  private readonly silences: Silences
  private connection: StoreConnection<SimulatedStore> | undefined

  constructor(path: StorePath, silences: Silences) {
    this.path = path
    this.silences = silences
    this.connection = undefined
  }

  list(prefix: string): Observable<StoreListing> {
    return this.ask(store => store.list(prefix))
  }

  changes(prefix: string, after: number): Observable<StoreChanges> {
    const { confirmMs, callTimeoutMs } = this.silences
    const serve = followed(prefix, after, this.silences, this.path.storeRuntime)
    return new Observable<StoreChanges>(subscriber => this.connected().follow(serve, subscriber)).pipe(
      quietFor(confirmMs + callTimeoutMs, this.path.runtime),
    )
  }

  hold(lease: LeaseId, ttlMs: number): Observable<void> {
    return this.ask(store => store.hold(lease, ttlMs))
  }

  put(record: StoreRecord, lease: LeaseId): Observable<void> {
    return this.ask(store => store.put(record, lease))
  }

  claim(record: StoreRecord, lease: LeaseId): Observable<boolean> {
    return this.ask(store => store.claim(record, lease))
  }

  release(lease: LeaseId): Observable<void> {
    return this.ask(store => store.release(lease))
  }

  private ask<T>(answer: (store: SimulatedStore) => T): Observable<T> {
    return new Observable<T>(subscriber => this.connected().ask(answer, subscriber)).pipe(
      quietFor(this.silences.callTimeoutMs, this.path.runtime),
    )
  }

  private connected(): StoreConnection<SimulatedStore> {
    if (this.connection === undefined || this.connection.isLost) this.connection = new StoreConnection(this.path)
    return this.connection
  }
}

/** What a watch gets: all changes as long as they pass, then those that it has missed, unless they are forgotten. */
function followed(
  prefix: string,
  after: number,
  { confirmMs }: Silences,
  { scheduler }: Runtime,
): Served<StoreChanges, SimulatedStore> {
  return (store, passing$) => {
    let sent = after
    const isConfirmed$ = interval(confirmMs, scheduler).pipe(map(() => true))
    const isChanged$ = merge(store.committed$, passing$).pipe(map(() => false))
    return merge(isChanged$, isConfirmed$).pipe(
      withLatestFrom(passing$),
      filter(([, isPassing]) => isPassing),
      map(([isConfirmed]) => ({ isConfirmed, news: store.since(prefix, sent) })),
      tap(() => (sent = store.revision)),
      filter(({ isConfirmed, news }) => isConfirmed || news.changes.length > 0),
      map(({ news }) => news),
    )
  }
}

function quietFor<T>(ms: number, { scheduler }: Runtime): (source: Observable<T>) => Observable<T> {
  return timeout({
    each: ms,
    scheduler,
    with: () => {
      throw new RpcError('UNAVAILABLE', `the simulated store: no answer within ${ms} ms`, {
        reason: 'registry_unavailable',
        retry: retrySafely,
      })
    },
  })
}
