import assert from 'node:assert/strict'
import type { Instance, Registry, Service } from 'millrace/registry'
import { BehaviorSubject, filter, firstValueFrom, map, scan, type Subscription, timeout, type Observable } from 'rxjs'
import type { GoPeer, GoService } from './go-peer.js'

/** Where both meet. */
export type Engine = 'etcd' | 'mdns'

/** What a feature is tried with. */
export interface RegistryBench {
  /** Where both meet. */
  readonly engine: Engine
  /** A name that no other feature has. */
  readonly name: string
  /** Ours. */
  readonly registry: Registry
  /** Theirs. */
  readonly go: GoPeer
  /** Another process of theirs, to be killed. */
  readonly another: () => GoPeer
  /** What has to be unsubscribed at the end. */
  readonly cleanup: Subscription
}

/** Something that both should see alike. */
export interface RegistryFeature {
  /** What, as the report says it. */
  readonly name: string
  /** Who registers; the other one looks. */
  readonly registers: 'go-micro' | 'millrace'
  /** Where it can be tried. @default everywhere */
  readonly only?: Engine
  /** Tries it. Fails when they do not agree. */
  readonly run: (bench: RegistryBench) => Promise<void>
}

const PATIENCE_MS = 15_000

/** What is tried. */
export const registryFeatures: readonly RegistryFeature[] = [
  {
    name: 'name, version, labels, endpoints and address',
    registers: 'go-micro',
    async run({ engine, name, registry, go }) {
      await go.register(goService(name, 'a'))

      const expected = [serviceOf(name, engine, 'a')]
      await shows(registry, name, services => same(services, expected))
      assert.deepEqual(await firstValueFrom(registry.get(name)), expected)
      assert.ok((await firstValueFrom(registry.list())).includes(name))
      await go.deregister(goService(name, 'a'))
    },
  },
  {
    name: 'two nodes and a change of one',
    registers: 'go-micro',
    async run({ engine, name, registry, go }) {
      const before = goService(name, 'a')
      const after = goService(name, 'a', { address: '127.0.0.1:4009' })
      await go.register(goService(name, 'b'))
      await go.register(before)
      await shows(registry, name, services => idsOf(services) === 'a b')

      if (engine === 'mdns') await go.deregister(before) // its mdns takes no change of a node
      await go.register(after)

      await shows(registry, name, services => services[0]?.nodes[0]?.address === '127.0.0.1:4009')
      await go.deregister(after)
      await go.deregister(goService(name, 'b'))
    },
  },
  {
    name: 'a node that says goodbye',
    registers: 'go-micro',
    async run({ name, registry, go }) {
      await go.register(goService(name, 'a'))
      await shows(registry, name, services => idsOf(services) === 'a')

      await go.deregister(goService(name, 'a'))

      await shows(registry, name, services => idsOf(services) === '')
    },
  },
  {
    name: 'a node that was killed',
    registers: 'go-micro',
    only: 'etcd',
    async run({ name, registry, another }) {
      const go = another()
      await go.register(goService(name, 'a'), 5)
      await shows(registry, name, services => idsOf(services) === 'a')

      await go.kill()

      await shows(registry, name, services => idsOf(services) === '')
    },
  },
  {
    name: 'a node that takes the id of one of ours',
    registers: 'go-micro',
    only: 'etcd',
    async run({ name, registry, go, cleanup }) {
      const told: (string | undefined)[] = []
      const ours = registry.register(new BehaviorSubject(instance(name, 'a')))
      cleanup.add(ours.subscribe(({ lost }) => told.push(lost?.reason)))
      await shows(registry, name, services => idsOf(services) === 'a')

      // It takes our lease with the key when it finds them, so this one does not look first.
      await go.register(goService(name, 'a', { address: '127.0.0.1:4009' }))

      await shows(registry, name, services => services[0]?.nodes[0]?.address === '127.0.0.1:4009')
      assert.equal(told[0], undefined)
    },
  },
  {
    name: 'name, version, labels, endpoints and address',
    registers: 'millrace',
    async run({ engine, name, registry, go, cleanup }) {
      cleanup.add(registry.register(new BehaviorSubject(instance(name, 'a'))).subscribe())
      await shows(registry, name, services => idsOf(services) === 'a')

      const seen = await go.get(name)

      assert.deepEqual(seen.map(ofGo), [serviceOf(name, engine, 'a')])
      assert.ok((await go.list()).includes(name))
    },
  },
  {
    name: 'nodes that come, change and go',
    registers: 'millrace',
    async run({ engine, name, registry, go, cleanup }) {
      const heard$ = await go.watch(name)
      const heard = firstValueFrom(
        heard$.pipe(
          scan((all, each) => (all.at(-1) === each ? all : [...all, each]), [] as readonly string[]),
          filter(all => all.at(-1) === 'delete a'),
          timeout({ first: PATIENCE_MS }),
        ),
      )
      const instance$ = new BehaviorSubject(instance(name, 'a'))
      const announced: unknown[] = []
      const registration = registry.register(instance$).subscribe(each => {
        announced.push(each)
        if (announced.length === 1) instance$.next(instance(name, 'a', { address: '127.0.0.1:4009' }))
        else instance$.complete()
      })
      cleanup.add(registration)

      const expected = engine === 'etcd' ? ['create a', 'update a', 'delete a'] : ['create a', 'delete a']
      assert.deepEqual(await heard, expected)
    },
  },
  {
    name: 'a node that takes the id of one of theirs',
    registers: 'millrace',
    only: 'etcd',
    async run({ name, registry, go, cleanup }) {
      await go.register(goService(name, 'a', { address: '127.0.0.1:4009' }))

      cleanup.add(registry.register(new BehaviorSubject(instance(name, 'a'))).subscribe())

      await shows(registry, name, services => services[0]?.nodes[0]?.address === '127.0.0.1:4000')
      const [seen] = await go.get(name)
      assert.deepEqual(
        seen?.nodes.map(({ id, address }) => [id, address]),
        [['a', '127.0.0.1:4000']],
      )
    },
  },
]

const ENDPOINTS = [
  {
    name: 'Greeter.Hello',
    request: { name: 'Req', type: 'Req', values: [{ name: 'name', type: 'string', values: null }] },
    response: { name: 'Rsp', type: 'Rsp', values: [{ name: 'text', type: 'string', values: null }] },
    metadata: { stream: 'true' },
  },
]

function instance(name: string, id: string, { address = '127.0.0.1:4000' }: { address?: string } = {}): Instance {
  const node = { id, address, metadata: { protocol: 'mucp', transport: 'http' } }
  return { name, version: '1.2.3', metadata: { team: 'words' }, endpoints: ENDPOINTS, node }
}

function goService(name: string, id: string, options?: { address?: string }): GoService {
  const { node, ...service } = instance(name, id, options)
  return { ...service, nodes: [node] }
}

/** What is to be seen. Labels of a service have no place in go-micro's records of mdns. */
function serviceOf(name: string, engine: Engine, id: string): Service {
  const { node, ...service } = instance(name, id)
  return { ...service, metadata: engine === 'etcd' ? service.metadata : {}, nodes: [node] }
}

/** What go-micro sees, as we say it. */
function ofGo({ name, version, metadata, endpoints, nodes }: GoService): Service {
  return {
    name,
    version,
    metadata: metadata ?? {},
    endpoints: (endpoints ?? []).map(each => ({ ...each, metadata: each.metadata ?? {} })),
    nodes: nodes.map(node => ({ ...node, metadata: node.metadata ?? {} })),
  }
}

/** Waits until our watch shows what is asked for. */
async function shows(registry: Registry, name: string, is: (services: readonly Service[]) => boolean): Promise<void> {
  const seen: string[] = []
  const picture$: Observable<readonly Service[]> = registry.watch(name).pipe(map(({ services }) => services))
  const shown$ = picture$.pipe(
    filter(services => {
      seen.push(JSON.stringify(services))
      return is(services)
    }),
    timeout({ first: PATIENCE_MS }),
  )
  await firstValueFrom(shown$).catch((cause: unknown) => {
    throw new Error(`the watch did not come to it, but showed ${seen.join(' then ')}`, { cause })
  })
}

function same(left: unknown, right: unknown): boolean {
  try {
    assert.deepEqual(left, right)
    return true
  } catch {
    return false
  }
}

function idsOf(services: readonly Service[]): string {
  return services.flatMap(({ nodes }) => nodes.map(({ id }) => id)).join(' ')
}
