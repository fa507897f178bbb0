import type { Observable } from 'rxjs'
import type { RpcError } from '../core/index.js'

/** Names and values; go-micro's metadata. */
export type Metadata = { readonly [name: string]: string }

/** The shape of a request or reply, as go-micro describes it. */
export interface ValueShape {
  /** Name of the type or of the field. */
  readonly name: string
  /** Name of its type, as the service's language has it. */
  readonly type: string
  /** Its fields; `null` for a leaf. */
  readonly values: readonly ValueShape[] | null
}

/** One endpoint that a service answers. */
export interface Endpoint {
  /** `contract.endpoint`. */
  readonly name: string
  /** What it takes; `null` when that is not told. */
  readonly request: ValueShape | null
  /** What it answers; `null` when that is not told. */
  readonly response: ValueShape | null
  /** Its labels, `stream` among them. */
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
  /** Name of the service. */
  readonly name: string
  /** Its version, any text. */
  readonly version: string
  /** Labels of the service; where its nodes differ, those of the node with the lowest id. */
  readonly metadata: Metadata
  /** What it answers; where its nodes differ, what the node with the lowest id does. */
  readonly endpoints: readonly Endpoint[]
  /** Its live nodes, ordered by id; at least one. */
  readonly nodes: readonly Node[]
}

/**
 * What one process registers: a service record with itself as the only node.
 *
 * Names of services and ids of nodes are dot-separated labels of 1 to 63 bytes, 180 bytes in all at most, without
 * slash, white space or control characters; a name does not begin with `_`. So what one registry takes, each takes.
 */
export interface Instance extends Omit<Service, 'nodes'> {
  /** The process itself. */
  readonly node: Node
}

/** Everything that is known at one moment, whole. */
export interface Snapshot {
  /** One entry per name and version, ordered by both (by code unit); nodes ordered by id. */
  readonly services: readonly Service[]
  /** When the registry last confirmed it, on the runtime's clock, ms; `-Infinity` when it never has. */
  readonly asOf: number
  /** True when the source has failed since, so that the picture may be old. It is never emptied for that. */
  readonly stale: boolean
}

/** Where an instance is with its registration: it is announced, unless there is an error that says why not. */
export interface Registration {
  /** What is registered. */
  readonly instance: Instance
  /**
   * Why others may not see it: UNAVAILABLE while the source is down and it waits, or when its lease has run out
   * (reason `lease_expired`); ALREADY_EXISTS (reason `node_replaced`) while another registration has its name and id.
   * Absent when it is announced.
   */
  readonly lost?: RpcError
}

/**
 * Knows which nodes are alive.
 *
 * 1. `register` is cold. The first instance announces, each next replaces what is announced, heartbeats run while it
 *    is subscribed. It emits when an instance has been announced; with `lost` when others may not see it (any more), as
 *    while the source is down; and again when it is announced again. Completing `instance$` says goodbye and completes
 *    when that is acknowledged (or when nobody can be told any more); unsubscribing says goodbye as best it can. It
 *    tries again by itself. It fails with `instance$`, with
 *    INVALID_ARGUMENT (reason `invalid_instance`, every fault listed) for an instance that breaks the rules of
 *    {@link Instance}, and with RESOURCE_EXHAUSTED (reason `record_too_large`) for one that does not fit.
 * 2. A node is known by its service's name and its id: the same pair again replaces the node, also at another address
 *    or version, and a registration that has been replaced takes nothing away when it ends.
 * 3. `watch` emits the current snapshot as soon as it is known and then one when the picture has changed: additions at
 *    once, each node at most once. With a name, only services of that name. Emissions made inside `next` of another
 *    may be merged; an older picture never follows a newer one.
 * 4. A name that nobody registered gives an empty snapshot: that is an answer. When the source fails, `watch` keeps the
 *    last good snapshot, says that it is stale, and recovers by itself; what it has never known it shows as empty,
 *    stale and confirmed at `-Infinity`. It fails only for good: INVALID_ARGUMENT (reason `invalid_service_name`).
 * 5. `get` and `list` answer once: the services of a name in the order of a snapshot (empty when there are none), all
 *    names in order. While the source is down they fail with UNAVAILABLE (reason `registry_unavailable`, retry safe).
 * 6. A record that cannot be read is skipped with a log line; the others are not affected.
 */
export interface Registry {
  /** Name of the registry, `mdns`. */
  readonly name: string
  /** Announces what `instance$` says for as long as it is subscribed; rules 1 and 2. */
  register(instance$: Observable<Instance>): Observable<Registration>
  /** All that is alive, or all nodes of one service, now and whenever it changes; rules 3 and 4. */
  watch(name?: string): Observable<Snapshot>
  /** The services of one name, one entry a version; rule 5. */
  get(name: string): Observable<readonly Service[]>
  /** The names of all services; rule 5. */
  list(): Observable<readonly string[]>
}
