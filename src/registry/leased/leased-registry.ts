import { defer, map, type Observable, using } from 'rxjs'
import {
  consoleLog,
  fn,
  having,
  integer,
  optional,
  resolveOptions,
  systemRuntime,
  text,
  type Log,
  type Runtime,
} from '../../core/index.js'
import { checkedServiceName } from '../checked.js'
import type { LeaseStore } from '../lease-store.js'
import { announceLeased } from './announce-leased.js'
import type { LeasedContext } from './context.js'
import { recordReader } from './leased-record.js'
import { recordView } from './record-view.js'
import { watchLeased } from './watch-leased.js'
import type { Instance, Registration, Service, Snapshot } from '../registry.js'
import { skippedRecords, type RecordRegistry } from '../skipped-records.js'

/** What {@link leasedRegistry} is made of. */
export interface LeasedRegistryOptions {
  /** Where records and leases are. */
  readonly store: LeaseStore
  /** What all keys begin with. @default '/micro/registry', as go-micro has it */
  readonly prefix?: string
  /**
   * How long a node that was killed stays registered, ms; renewed three times as often. A store may round it up.
   * @default 30_000
   */
  readonly ttlMs?: number
  /** Time and chance. @default `systemRuntime()` */
  readonly runtime?: Runtime
  /** Where outages and skipped records are told of. @default `consoleLog` */
  readonly log?: Log
}

/**
 * A registry over a store that has leases, as `etcd` is. Keys are `<prefix>/<service>/<node>` and values go-micro's
 * records, so that its services see ours and ours see its.
 *
 * A node is announced while its lease is kept; `register` says so by our own clock before the store would end it, and
 * announces the whole record again when the lease or the store's data is gone. A watch is never emptied by an outage
 * and shows the difference after it. A record that another process has put over ours is left alone: `lost` says
 * ALREADY_EXISTS (reason `node_replaced`) until that one goes.
 */
export function leasedRegistry(options: LeasedRegistryOptions): RecordRegistry {
  const { prefix, ...context } = resolveOptions<Required<LeasedRegistryOptions>>(
    'leasedRegistry',
    {
      store: having<LeaseStore>('open$', 'list', 'changes', 'hold', 'put', 'claim', 'release'),
      prefix: optional(text, '/micro/registry'),
      ttlMs: optional(integer({ min: 1000, max: 4_500_000 }), 30_000),
      runtime: optional(having<Runtime>('scheduler', 'random', 'id'), systemRuntime()),
      log: optional(fn<Log>(), consoleLog),
    },
    options,
  )
  return new LeasedRegistry(prefix, context)
}

class LeasedRegistry implements RecordRegistry {
  readonly name: string
  readonly skipped$: Observable<number>
  private readonly prefix: string
  private readonly context: LeasedContext
  private readonly read: ReturnType<typeof recordReader>

  constructor(prefix: string, context: LeasedContext) {
    this.name = context.store.name
    this.prefix = prefix
    this.context = context
    const skipped = skippedRecords(this.name, context.log, context.runtime)
    this.skipped$ = skipped.count$
    this.read = recordReader(prefix, skipped)
  }

  register(instance$: Observable<Instance>): Observable<Registration> {
    return this.whileOpen(announceLeased(instance$, this.prefix, this.context))
  }

  watch(name?: string): Observable<Snapshot> {
    return this.whileOpen(defer(() => watchLeased(this.prefixOf(name), this.read, this.context)))
  }

  get(name: string): Observable<readonly Service[]> {
    return this.services(name)
  }

  list(): Observable<readonly string[]> {
    return this.services().pipe(map(services => [...new Set(services.map(service => service.name))]))
  }

  /** Keeps the store open until `source$` has ended, what it does when it is unsubscribed included. */
  private whileOpen<T>(source$: Observable<T>): Observable<T> {
    const { open$ } = this.context.store
    return using(
      () => open$.subscribe(),
      () => source$,
    )
  }

  private prefixOf(name?: string): string {
    return name === undefined ? `${this.prefix}/` : `${this.prefix}/${checkedServiceName(name)}/`
  }

  private services(name?: string): Observable<readonly Service[]> {
    return defer(() => this.context.store.list(this.prefixOf(name))).pipe(
      map(listing => {
        const view = recordView(this.read)
        view.reset(listing)
        return view.listing().all
      }),
    )
  }
}
