import { AssertionError } from 'node:assert/strict'
import { RpcError } from 'millrace/core'
import {
  interrupted,
  memoryRegistry,
  type Instance,
  type Registry,
  type Service,
  type Snapshot,
} from 'millrace/registry'
import {
  BehaviorSubject,
  combineLatest,
  filter,
  map,
  merge,
  NEVER,
  type Observable,
  of,
  scan,
  take,
  takeLast,
  takeWhile,
  tap,
} from 'rxjs'
import { describe, expect, it } from 'vitest'
import { registryChecks, runCheck, type RegistrySetup } from 'millrace/testing/compliance'

/** What is different about a broken registry. */
type Break = (registry: Registry) => Partial<Registry>

const watching =
  (change: (snapshot$: Observable<Snapshot>) => Observable<Snapshot>): Break =>
  registry => ({ watch: name => change(registry.watch(name)) })

const showing = (change: (services: readonly Service[]) => readonly Service[]): Break =>
  watching(map(snapshot => ({ ...snapshot, services: change(snapshot.services) })))

const registering =
  (change: (instance$: Observable<Instance>) => Observable<Instance>): Break =>
  registry => ({ register: instance$ => registry.register(change(instance$)) })

/** Sticks to the first nodes that it has seen. */
const neverRemoves = watching(scan((kept, next) => (kept.services.length > 0 ? kept : next)))

const neverEnds = registering(instance$ => merge(instance$, NEVER))

/** Registries that break the contract in one point, and the check that must notice. */
const broken: { readonly [title: string]: Break } = {
  'says why a registration waits': registry => ({
    register: instance$ => registry.register(instance$).pipe(filter(({ lost }) => lost === undefined)),
  }),
  'does nothing before it is subscribed': registry => ({
    register(instance$) {
      instance$.subscribe()
      return registry.register(instance$)
    },
  }),
  'shows a registered instance whole': showing(services => services.map(service => ({ ...service, endpoints: [] }))),
  'shows an addition while it watches': watching(take(1)),
  'emits once for each announced instance': registry => ({
    register: instance$ => registry.register(instance$).pipe(take(1)),
  }),
  'replaces what the instance said before': neverRemoves,
  'moves a node to its new version': neverRemoves,
  'moves a node to its new name': neverRemoves,
  'removes a node before its registration completes': neverRemoves,
  'removes a node that is unsubscribed': neverRemoves,
  'removes a node whose instances fail': neverRemoves,
  'completes when there never was an instance': neverEnds,
  'shows the nodes of a version in order': showing(services =>
    services.map(service => ({ ...service, nodes: service.nodes.toReversed() })),
  ),
  'shows the versions of a service in order': showing(services => services.slice(0, 1)),
  'shows every service in order without a name': showing(services => services.toReversed()),
  'shows one service only with a name': registry => ({ watch: () => registry.watch() }),
  'shows an unknown name as empty, not stale': watching(filter(({ services }) => services.length > 0)),
  'shows a node once, however often it is announced': showing(services =>
    services.map(service => ({ ...service, nodes: service.nodes.flatMap(node => [node, node]) })),
  ),
  'emits no snapshot when nothing has changed': registry => {
    const announced$ = new BehaviorSubject(0)
    return {
      register: instance$ => registry.register(instance$).pipe(tap(() => announced$.next(announced$.value + 1))),
      watch: name => combineLatest([registry.watch(name), announced$]).pipe(map(([snapshot]) => snapshot)),
    }
  },
  'leaves snapshots that it has emitted alone': registry => {
    const services: Service[] = []
    const refilled = (snapshot: Snapshot): Snapshot => {
      services.splice(0, Infinity, ...snapshot.services)
      return { ...snapshot, services }
    }
    return { watch: name => registry.watch(name).pipe(map(refilled)) }
  },
  // When it ends it takes the place of the node again, and then leaves with it.
  'keeps a node whose replaced registration ends': registering(instance$ =>
    merge(instance$, instance$.pipe(takeLast(1))),
  ),
  'tells every watcher': registry => {
    let watchers = 0
    return { watch: name => registry.watch(name).pipe(take(watchers++ === 7 ? 1 : Infinity)) }
  },
  'gets one entry for each version': registry => ({
    get: name => registry.get(name).pipe(map(services => services.slice(0, 1))),
  }),
  'gets nothing for an unknown name': registry => ({
    get: name =>
      registry.get(name).pipe(
        map(services => {
          if (services.length > 0) return services
          throw new RpcError('NOT_FOUND', 'no such service')
        }),
      ),
  }),
  'lists every name once, in order': registry => ({
    list: () =>
      registry.watch().pipe(
        take(1),
        map(({ services }) => services.map(({ name }) => name)),
      ),
  }),
  'refuses an instance that breaks the rules': registering(
    map(instance => ({ ...instance, name: instance.name.replace('/', '-'), version: instance.version || '0' })),
  ),
  'refuses a name that no service can have': registry => ({ watch: name => registry.watch(name?.replace('/', '-')) }),
  'leaves nothing open when it is unsubscribed': registry => ({
    register(instance$) {
      instance$.subscribe()
      return registry.register(instance$)
    },
  }),
  'keeps what it has while down, and says stale': watching(
    map(snapshot => (snapshot.stale ? { ...snapshot, services: [] } : snapshot)),
  ),
  'shows nothing known as stale, confirmed never': watching(map(snapshot => ({ ...snapshot, stale: false }))),
  'announces and is not stale when up again': watching(takeWhile(({ stale }) => !stale, true)),
  'ends a registration that waits for better times': neverEnds,
  'fails get and list while down, safe to retry': () => ({ list: () => of([]) }),
}

describe('registryChecks', () => {
  it.each(registryChecks)('fails a registry that breaks: $title', async ({ title, run }) => {
    const change = broken[title]
    if (change === undefined) throw new Error(`no broken registry for “${title}”`)

    await expect(runCheck({ title, run }, setupOf(change))).rejects.toThrow(AssertionError)
  })

  it('breaks nothing that is not checked', () => {
    expect(Object.keys(broken).toSorted()).toEqual(registryChecks.map(({ title }) => title).toSorted())
  })
})

function setupOf(change: Break): RegistrySetup {
  const down$ = new BehaviorSubject(false)
  const registry = interrupted(memoryRegistry(), down$)
  const changed = { ...registry, ...change(registry) }
  return {
    here: changed,
    there: changed,
    setDown: down => down$.next(down),
    openResources: () => (down$.observed ? 1 : 0),
    patienceMs: 30,
  }
}
