import { Observable } from 'rxjs'
import type { Instance, Service, Snapshot } from '../../../registry/index.js'
import type { Fault } from '../fault.js'
import type { Invariant, ObservedWorld, RegistryStep } from '../observed.js'

/** What one life of a process has announced and been shown. */
interface LifeView {
  readonly process: string
  readonly life: number
  readonly announced: Map<string, Instance>
  readonly shown: Map<string | undefined, Snapshot>
}

/** Options of {@link registryConverges}. */
export interface RegistryConvergesOptions {
  /**
   * How long nothing must have gone wrong, and no process have started or ended, for the end to be judged, ms: longer
   * than a lease, and than what a watcher takes to see that it ran out. @default 10_000, twice the lease
   */
  readonly quietMs?: number
}

/**
 * The registered set becomes the live set: nobody announces a service twice, who stops says goodbye first, and at the
 * end, after a quiet time, exactly the live nodes are registered and everybody who watches sees them.
 */
export function registryConverges({ quietMs = 10_000 }: RegistryConvergesOptions = {}): Invariant {
  return {
    name: 'the registered set becomes the live set',
    violations: world =>
      new Observable(subscriber => {
        let changedAt = 0
        const lives = new Map<string, LifeView>()
        const viewOf = ({ process, life }: Pick<RegistryStep, 'process' | 'life'>): LifeView => {
          const key = `${process} ${life}`
          const view = lives.get(key) ?? { process, life, announced: new Map(), shown: new Map() }
          lives.set(key, view)
          return view
        }
        subscriber.add(
          world.registry$.subscribe(step => {
            const fault = follow(viewOf(step), step)
            if (fault !== undefined) subscriber.next(fault)
          }),
        )
        subscriber.add(
          world.processes$.subscribe(step => {
            changedAt = world.now()
            const { announced, process } = viewOf(step)
            if (step.step === 'ended' && announced.size > 0) {
              subscriber.next(`${process} has ended, but not said goodbye as ${[...announced.keys()].join(', ')}`)
            }
          }),
        )
        subscriber.add(
          world.end$.subscribe(() => {
            const quietSince = Math.max(changedAt, ...world.faults.map(endOf))
            if (quietSince + quietMs > world.now()) return
            const live = [...lives.values()].filter(({ process, life }) => world.isLive(process, life))
            for (const fault of differences(world, live)) subscriber.next(fault)
          }),
        )
      }),
  }
}

/** When a fault is over, ms. */
function endOf({ kind, at, ms }: Fault): number {
  return kind === 'skew' ? 0 : at + ms
}

function follow({ process, announced, shown }: LifeView, step: RegistryStep): string | undefined {
  if (step.snapshot !== undefined) shown.set(step.watching, step.snapshot)
  const { instance } = step
  if (instance === undefined) return undefined
  const key = keyOf(instance)
  if (step.gone === true) {
    announced.delete(key)
    return undefined
  }
  announced.set(key, instance)
  const same = [...announced.values()].filter(
    ({ name, version }) => name === instance.name && version === instance.version,
  )
  return same.length > 1 ? `${process} is registered ${same.length} times: ${same.map(keyOf).join(', ')}` : undefined
}

function differences(world: ObservedWorld, live: readonly LifeView[]): readonly string[] {
  const registered = world.registered().services.flatMap(nodesOf)
  const announced = live.flatMap(view => [...view.announced.keys()])
  const faults = compared('registered', registered, announced)
  for (const { process, shown } of live) {
    for (const [name, { services, stale }] of shown) {
      const expected = world.registered().services.filter(service => name === undefined || service.name === name)
      if (stale) faults.push(`${process} sees a stale picture of ${name ?? 'everything'}`)
      faults.push(...compared(`seen by ${process}`, services.flatMap(nodesOf), expected.flatMap(nodesOf)))
    }
  }
  return faults
}

function compared(how: string, actual: readonly string[], expected: readonly string[]): string[] {
  const missing = expected.filter(key => !actual.includes(key)).map(key => `${key} is live, but not ${how}`)
  const extra = actual.filter(key => !expected.includes(key)).map(key => `${key} is ${how}, but not live`)
  return [...missing, ...extra]
}

function nodesOf(service: Service): readonly string[] {
  return service.nodes.map(({ id }) => `${service.name} ${id}`)
}

function keyOf({ name, node }: Instance): string {
  return `${name} ${node.id}`
}
