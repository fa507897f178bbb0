import type { Observable } from 'rxjs'

/** Names and values; go-micro's metadata. */
export type Metadata = { readonly [name: string]: string }

/** The shape of a request or reply, as go-micro describes it. */
export interface ValueShape {
  readonly name: string
  readonly type: string
  readonly values: readonly ValueShape[] | null
}

/** One endpoint that a service answers. */
export interface Endpoint {
  /** `contract.endpoint`. */
  readonly name: string
  readonly request: ValueShape | null
  readonly response: ValueShape | null
  readonly metadata: Metadata
}

/** One running process of a service. */
export interface Node {
  /** Unique among all nodes. */
  readonly id: string
  /** Where it listens, `host:port`. */
  readonly address: string
  /** Its labels, `protocol` and `transport` among them. */
  readonly metadata: Metadata
}

/** All live nodes of one version of a service: go-micro's record. */
export interface Service {
  readonly name: string
  readonly version: string
  readonly metadata: Metadata
  readonly endpoints: readonly Endpoint[]
  readonly nodes: readonly Node[]
}

/** What one process registers: a service record with itself as the only node. */
export interface Instance extends Omit<Service, 'nodes'> {
  readonly node: Node
}

/** Everything that is known at one moment, whole. */
export interface Snapshot {
  /** One entry per name and version, ordered by both; nodes ordered by id. */
  readonly services: readonly Service[]
  /** When the registry last confirmed it, on the runtime's clock, ms. */
  readonly asOf: number
  /** True when the source has failed since, so that the picture may be old. It is never emptied for that. */
  readonly stale: boolean
}

/** Proof that an instance is announced. */
export interface Registration {
  /** What is announced now. */
  readonly instance: Instance
}

/**
 * Knows which nodes are alive.
 *
 * 1. `register` is cold. The first instance announces, each next replaces what is announced (same node id), heartbeats
 *    run while it is subscribed. It emits after each announcement. Completing `instance$` says goodbye and completes
 *    when that is acknowledged; unsubscribing says goodbye as best it can. It retries by itself.
 * 2. `watch` emits the current snapshot as soon as it is known and then one for every change: additions at once, each
 *    node at most once. With a name, only services of that name. When the source fails it keeps the last good snapshot,
 *    says that it is stale, and recovers by itself; it fails only for good (INVALID_ARGUMENT, PERMISSION_DENIED).
 * 3. `get` and `list` answer once: the services of a name (empty when there are none), all names in order.
 * 4. A record that cannot be read is skipped with one log line; the others are not affected.
 */
export interface Registry {
  /** Name of the registry, `mdns`. */
  readonly name: string
  register(instance$: Observable<Instance>): Observable<Registration>
  watch(name?: string): Observable<Snapshot>
  get(name: string): Observable<readonly Service[]>
  list(): Observable<readonly string[]>
}
