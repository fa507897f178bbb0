import { defer, distinctUntilChanged, finalize, first, map, type Observable, ReplaySubject, share } from 'rxjs'
import { RpcError, retrySafely, type Log } from '../../core/index.js'
import { checkedServiceName } from '../checked.js'
import type { Instance, Registration, Service, Snapshot } from '../registry.js'
import type { RecordRegistry } from '../skipped-records.js'
import { announce, type AnnounceContext } from './announce.js'
import { browse, type BrowseContext, type View } from './browse.js'
import { keptOpen } from './link.js'
import type { PacketPort } from './packet.js'

/** What the registry is made of, besides its port. */
export interface PacketRegistryContext extends Omit<AnnounceContext & BrowseContext, 'link$'> {
  /** Where outages are told of. */
  readonly log: Log
}

/**
 * The registry over any group of packets. All its users share one link, which is open while there are any, and all
 * watchers of a name share what one of them has found.
 */
export function packetRegistry(port: PacketPort, context: PacketRegistryContext): RecordRegistry {
  return new PacketRegistry({ ...context, link$: keptOpen(port, context.runtime, context.log) })
}

class PacketRegistry implements RecordRegistry {
  readonly name = 'mdns'
  readonly skipped$: Observable<number>
  private readonly context: AnnounceContext & BrowseContext
  /** The running views, by name of the service; under `undefined` the one of all. */
  private readonly views: Map<string | undefined, Observable<View>>

  constructor(context: AnnounceContext & BrowseContext) {
    this.skipped$ = context.skipped.count$
    this.context = context
    this.views = new Map()
  }

  register(instance$: Observable<Instance>): Observable<Registration> {
    return announce(instance$, this.context)
  }

  watch(name?: string): Observable<Snapshot> {
    return this.view(name).pipe(
      map(({ snapshot }) => snapshot),
      distinctUntilChanged((last, next) => last.services === next.services && last.stale === next.stale),
    )
  }

  get(name: string): Observable<readonly Service[]> {
    return this.answer(name)
  }

  list(): Observable<readonly string[]> {
    return this.answer().pipe(map(services => [...new Set(services.map(service => service.name))]))
  }

  private answer(name?: string): Observable<readonly Service[]> {
    return this.view(name).pipe(
      first(({ settled, down }) => settled || down !== undefined),
      map(({ snapshot, down }) => {
        if (down === undefined) return snapshot.services
        throw new RpcError('UNAVAILABLE', `registry mdns is down: ${down.rawMessage}`, {
          reason: 'registry_unavailable',
          retry: retrySafely,
          cause: down,
        })
      }),
    )
  }

  private view(name?: string): Observable<View> {
    return defer(() => {
      if (name !== undefined) checkedServiceName(name)
      const running = this.views.get(name)
      if (running !== undefined) return running
      const view$ = browse(this.context, name).pipe(
        finalize(() => this.views.delete(name)),
        share({ connector: () => new ReplaySubject<View>(1) }),
      )
      this.views.set(name, view$)
      return view$
    })
  }
}
