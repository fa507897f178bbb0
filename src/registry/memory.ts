import { defer, distinctUntilChanged, map, Observable, startWith, Subject, Subscriber, take } from 'rxjs'
import { having, optional, resolveOptions, systemRuntime, type Runtime } from '../core/index.js'
import { checkedInstance, checkedServiceName } from './checked.js'
import { directory } from './directory.js'
import type { Instance, Registration, Registry, Service, Snapshot } from './registry.js'

/** What {@link memoryRegistry} is made of. */
export interface MemoryRegistryOptions {
  /** Whose clock snapshots are dated with. @default `systemRuntime()` */
  readonly runtime?: Runtime
}

/**
 * A registry within one process: the value itself is what its users share.
 *
 * It answers and tells of changes synchronously, within the call that made them, so it runs in virtual time as it does
 * in real time. It never fails and never goes stale; wrap it in {@link interrupted} to see what does.
 */
export function memoryRegistry(options?: MemoryRegistryOptions): Registry {
  const { runtime } = resolveOptions<Required<MemoryRegistryOptions>>(
    'memoryRegistry',
    { runtime: optional(having<Runtime>('scheduler'), systemRuntime()) },
    options,
  )
  return new MemoryRegistry(runtime)
}

/** One running `register`. */
interface Owner {
  announced: Instance | undefined
}

class MemoryRegistry implements Registry {
  readonly name = 'memory'
  private readonly runtime: Runtime
  private readonly directory = directory()
  private readonly owners: Map<string, Owner>
  private readonly changes: Subject<void>

  constructor(runtime: Runtime) {
    this.runtime = runtime
    this.owners = new Map()
    this.changes = new Subject()
  }

  register(instance$: Observable<Instance>): Observable<Registration> {
    return new Observable(subscriber => {
      const owner: Owner = { announced: undefined }
      // Added first, so that a source that ends while it is being subscribed finds it.
      subscriber.add(() => this.withdraw(owner))
      const instances = new Subscriber<Instance>({
        next: instance => {
          this.announce(owner, instance)
          subscriber.next({ instance })
        },
        error: (error: unknown) => subscriber.error(error),
        complete: () => {
          this.withdraw(owner) // before the completion, which says that it is done
          subscriber.complete()
        },
      })
      subscriber.add(instances)
      instance$.pipe(map(instance => checkedInstance(instance))).subscribe(instances)
    })
  }

  watch(name?: string): Observable<Snapshot> {
    return this.services(name).pipe(map(services => ({ services, asOf: this.runtime.scheduler.now(), stale: false })))
  }

  get(name: string): Observable<readonly Service[]> {
    return this.services(name).pipe(take(1))
  }

  list(): Observable<readonly string[]> {
    return this.services().pipe(
      take(1),
      map(services => [...new Set(services.map(service => service.name))]),
    )
  }

  /**
   * Each watcher reads what is there now when it hears of a change, and passes on what it has not: so a change made
   * inside another's `next` reaches everyone in order.
   */
  private services(name?: string): Observable<readonly Service[]> {
    return defer(() => {
      if (name !== undefined) checkedServiceName(name)
      return this.changes.pipe(
        startWith(undefined),
        map(() => this.directory.listing()),
        map(listing => (name === undefined ? listing.all : listing.named(name))),
        distinctUntilChanged(),
      )
    })
  }

  private announce(owner: Owner, instance: Instance): void {
    const before = owner.announced
    owner.announced = instance
    const moved = before !== undefined && key(before) !== key(instance) && this.remove(owner, before)
    this.owners.set(key(instance), owner)
    if (this.directory.put(instance) || moved) this.changes.next()
  }

  private withdraw(owner: Owner): void {
    const { announced } = owner
    owner.announced = undefined
    if (announced !== undefined && this.remove(owner, announced)) this.changes.next()
  }

  private remove(owner: Owner, instance: Instance): boolean {
    const place = key(instance)
    if (this.owners.get(place) !== owner) return false
    this.owners.delete(place)
    return this.directory.remove(instance.name, instance.node.id)
  }
}

function key({ name, node }: Instance): string {
  return `${name}/${node.id}`
}
