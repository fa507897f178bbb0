import { map, Observable, of } from 'rxjs'
import { having, optional, resolveOptions, RpcError, systemRuntime, type Runtime } from '../core/index.js'
import { checkedInstance, checkedServiceName } from './checked.js'
import { directory } from './directory.js'
import type { Registry, Service } from './registry.js'
import { parseNodes, type StaticNodes } from './static-nodes.js'

/** What {@link staticRegistry} is made of. */
export interface StaticRegistryOptions {
  /** Addresses by service, in the form of the clients' transport. @default what `MILLRACE_NODES` says */
  readonly nodes?: StaticNodes
  /** Whose clock snapshots are dated with. @default `systemRuntime()` */
  readonly runtime?: Runtime
}

/** The variable of the environment that is read when no nodes are given. */
const VARIABLE = 'MILLRACE_NODES'

/**
 * A registry whose nodes are written down: in code, or in the variable `MILLRACE_NODES` as
 * `words=10.0.0.1:4000,10.0.0.2:4000;report=10.0.0.3:4000`. For a handful of machines with fixed addresses, for a name
 * that DNS or a load balancer stands behind, and for tests.
 *
 * It never fails, never goes stale and never changes. Nodes have no version (`latest`) and no labels, so they pass for
 * nodes of any protocol and transport. A service may be run with it: registering is acknowledged, and tells nobody.
 *
 * Throws INVALID_ARGUMENT (reason `invalid_nodes`, every fault listed) for nodes that cannot be read, and when there are
 * none.
 */
export function staticRegistry(options?: StaticRegistryOptions): Registry {
  const { nodes, runtime } = resolveOptions<Required<Omit<StaticRegistryOptions, 'nodes'>> & StaticRegistryOptions>(
    'staticRegistry',
    { nodes: optional(having<StaticNodes>()), runtime: optional(having<Runtime>('scheduler'), systemRuntime()) },
    options,
  )
  const instances = parseNodes(nodes ?? environment(VARIABLE), nodes === undefined ? VARIABLE : 'staticRegistry: nodes')
  const known = directory()
  for (const instance of instances) known.put(instance)
  const listing = known.listing()
  const services = (name?: string): readonly Service[] =>
    name === undefined ? listing.all : listing.named(checkedServiceName(name))
  return {
    name: 'static',
    register: instance$ => instance$.pipe(map(instance => ({ instance: checkedInstance(instance) }))),
    watch: name =>
      new Observable(subscriber => {
        subscriber.next({ services: services(name), asOf: runtime.scheduler.now(), stale: false })
      }),
    get: name => new Observable(subscriber => of(services(name)).subscribe(subscriber)),
    list: () => of([...new Set(listing.all.map(service => service.name))]),
  }
}

/** A variable of the environment, where there is one. */
function environment(name: string): string {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } }
  const text = process?.env?.[name]
  if (text !== undefined) return text
  const message = `staticRegistry: no nodes are given, and ${name} is not set: service=host:port,host:port;…`
  throw new RpcError('INVALID_ARGUMENT', message, { reason: 'invalid_nodes' })
}
