import { NEVER, Observable, of, Subject, take, tap } from 'rxjs'
import { silentLog, type Log, type Runtime } from '../../core/index.js'
import {
  leasedRegistry,
  type Instance,
  type LeasedRegistryOptions,
  type LeaseStore,
  type Registry,
  type Snapshot,
} from '../../registry/index.js'
import type { MemoryLinkState } from '../../transport/index.js'
import type { Life } from './life.js'
import type { RegistryStep } from './observed.js'
import { within } from './reach.js'
import { reachedStore } from './reached-store.js'
import { SimulatedStore } from './simulated-store.js'

/** How the registry of a simulation is set up. */
export interface SimulatedRegistryOptions {
  /** The store's own time. */
  readonly runtime: Runtime
  /** How long a process that is not heard of stays registered, ms. */
  readonly leaseMs: number
}

/** What leads from a process to the store, and back. */
export interface RegistryPath {
  /** The condition of a connection that is made now. */
  readonly link$: Observable<MemoryLinkState>
  /** How long the next packet takes to the store, ms. */
  readonly toStoreMs: () => number
  /** How long the next packet takes to the process, ms. */
  readonly toProcessMs: () => number
}

/** What a process has of the registry. */
export interface ReachedRegistry {
  /** The store behind it. */
  readonly store: LeaseStore
  /** Makes a registry over it, seen by invariants. */
  readonly createRegistry: (options?: Partial<LeasedRegistryOptions>) => Registry
}

/** A process waits a fifth of a lease for an answer, and hears of the store as often; then two renewals may get lost. */
const SILENCES_PER_LEASE = 5

/** The library's `leasedRegistry` in each process, over a store on a machine of its own. */
export class SimulatedRegistry {
  /** What it is told and what it shows. */
  readonly steps$: Subject<RegistryStep>
  /** What is registered, whenever that has changed. */
  readonly registered$: Subject<Snapshot>
  private readonly store: SimulatedStore
  private readonly options: SimulatedRegistryOptions
  private watches: number

  constructor(options: SimulatedRegistryOptions) {
    this.steps$ = new Subject()
    this.registered$ = new Subject()
    this.store = new SimulatedStore(options.runtime)
    this.options = options
    this.watches = 0
    this.store.committed$.subscribe(() => this.registered$.next(this.registered()))
  }

  /** What is registered at this moment. */
  registered(): Snapshot {
    const { runtime } = this.options
    let known: Snapshot = { services: [], asOf: 0, stale: false }
    leasedRegistry({ store: listed(this.store), runtime, log: silentLog })
      .watch()
      .pipe(take(1))
      .subscribe(snapshot => (known = snapshot))
    return known
  }

  /** Takes it down, or up again. */
  setDown(down: boolean): void {
    this.store.setDown(down)
  }

  /** Its data is gone; it is down. */
  wipe(): void {
    this.store.wipe()
  }

  /** Whether it forgets at once what has changed. */
  setForgetful(forgetful: boolean): void {
    this.store.setForgetful(forgetful)
  }

  /** The registry as one life of a process reaches it. */
  reachedBy(life: Life, path: RegistryPath, log: Log): ReachedRegistry {
    const { leaseMs, runtime: storeRuntime } = this.options
    const { runtime } = life
    const silenceMs = leaseMs / SILENCES_PER_LEASE
    const link$ = within(life, path.link$)
    const store = reachedStore(
      {
        ...path,
        ...{ title: 'the simulated store', reason: 'registry_unavailable' },
        link$,
        store: this.store,
        storeRuntime,
        runtime,
        isLive: () => life.isLive(),
      },
      { callTimeoutMs: silenceMs, confirmMs: silenceMs },
    )
    return {
      store,
      createRegistry: options => this.seen(life, leasedRegistry({ store, ttlMs: leaseMs, runtime, log, ...options })),
    }
  }

  /** Tells what a registry is told and shows, and ends it with the process. */
  private seen(life: Life, registry: Registry): Registry {
    const step = (seen: Omit<RegistryStep, 'process' | 'life'>): void =>
      this.steps$.next({ process: life.process, life: life.life, ...seen })
    return {
      name: registry.name,
      register: instance$ =>
        new Observable(subscriber => {
          let latest: Instance | undefined
          const leave = (): void => {
            if (latest !== undefined && life.isLive()) step({ instance: latest, gone: true })
            latest = undefined
          }
          const told$ = instance$.pipe(
            tap({
              next: instance => {
                latest = instance
                step({ instance })
              },
              complete: leave,
            }),
          )
          subscriber.add(leave)
          within(life, registry.register(told$))
            .pipe(tap(registration => step({ registration })))
            .subscribe(subscriber)
        }),
      watch: name =>
        new Observable(subscriber => {
          const watch = ++this.watches
          subscriber.add(() => step({ watch, watching: name, unwatched: true }))
          within(life, registry.watch(name))
            .pipe(tap(snapshot => step({ watch, watching: name, snapshot })))
            .subscribe(subscriber)
        }),
      get: name => within(life, registry.get(name)),
      list: () => within(life, registry.list()),
    }
  }
}

const unanswered = (): Observable<never> => NEVER

/** A store that lists, at once, and does nothing else. */
function listed(store: SimulatedStore): LeaseStore {
  return {
    name: 'simulated',
    open$: NEVER,
    list: prefix => of(store.list(prefix)),
    changes: unanswered,
    hold: unanswered,
    put: unanswered,
    claim: unanswered,
    release: unanswered,
  }
}
