import { type MonoTypeOperatorFunction, Observable, Subscriber, type Subscription } from 'rxjs'
import { having, integer, MAX_TIMER_MS, optional, resolveOptions, systemRuntime, type Runtime } from '../core/index.js'
import { directory } from './directory.js'
import type { Instance, Service, Snapshot } from './registry.js'

/** How {@link debounceRemovals} waits. */
export interface DebounceRemovalsOptions {
  /**
   * How long a node stays after it has left the registry, ms; back within that time, it never left.
   * @default 1000: a registration that is made anew after a lost lease is back by then
   */
  readonly removalMs?: number
  /** Time. @default `systemRuntime()` */
  readonly runtime?: Runtime
}

/**
 * Keeps nodes for a while after they have left, and passes everything else on at once: nodes that come, nodes that
 * change, and whether the picture is stale. A node that is really gone is left out sooner by selectors, when it refuses
 * a connection. It keeps at most the nodes that left within `removalMs`.
 */
export function debounceRemovals(options?: DebounceRemovalsOptions): MonoTypeOperatorFunction<Snapshot> {
  const { removalMs, runtime } = resolveOptions<Required<DebounceRemovalsOptions>>(
    'debounceRemovals',
    {
      removalMs: optional(integer({ min: 0, max: MAX_TIMER_MS }), 1000),
      runtime: optional(having<Runtime>('scheduler'), systemRuntime()),
    },
    options,
  )
  const { scheduler } = runtime
  return snapshot$ =>
    new Observable(subscriber => {
      const shown = directory()
      const leaving = new Map<string, Subscription>()
      let newest: Snapshot | undefined
      let last: Snapshot | undefined
      const show = (): void => {
        const services = shown.listing().all
        if (newest === undefined || (last?.services === services && last.stale === newest.stale)) return
        last = { ...newest, services }
        subscriber.next(last)
      }
      const leave = (place: string, { name, node }: Instance): void => {
        leaving.delete(place)
        if (shown.remove(name, node.id)) show()
      }
      // Released with the subscription, as the source is.
      subscriber.add(() => {
        for (const timer of leaving.values()) timer.unsubscribe()
      })
      const snapshots = new Subscriber<Snapshot>({
        next: snapshot => {
          newest = snapshot
          const present = new Set<string>()
          for (const instance of instancesOf(snapshot.services)) {
            const place = placeOf(instance)
            present.add(place)
            leaving.get(place)?.unsubscribe()
            leaving.delete(place)
            shown.put(instance)
          }
          for (const instance of instancesOf(shown.listing().all)) {
            const place = placeOf(instance)
            if (present.has(place) || leaving.has(place)) continue
            if (removalMs === 0) shown.remove(instance.name, instance.node.id)
            else
              leaving.set(
                place,
                scheduler.schedule(() => leave(place, instance), removalMs),
              )
          }
          show()
        },
        error: (error: unknown) => subscriber.error(error),
        complete: () => subscriber.complete(),
      })
      subscriber.add(snapshots)
      snapshot$.subscribe(snapshots)
    })
}

function instancesOf(services: readonly Service[]): readonly Instance[] {
  return services.flatMap(({ nodes, ...service }) => nodes.map(node => ({ ...service, node })))
}

function placeOf({ name, node }: Instance): string {
  return `${name}/${node.id}`
}
