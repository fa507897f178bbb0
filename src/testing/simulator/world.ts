import type { Observable, Unsubscribable } from 'rxjs'
import type { Client, ClientOptions, Service, ServiceOptions } from '../../actors/index.js'
import type { Broker, DurableLogs, DurableOptions } from '../../broker/index.js'
import type { Log, Runtime } from '../../core/index.js'
import type { Protocol } from '../../protocol/index.js'
import type { LeasedRegistryOptions, LeaseStore, Registry } from '../../registry/index.js'
import type { Transport } from '../../transport/index.js'
import type { Invariant } from './observed.js'

/** What a simulated process has to do with: all of it its own, and gone when it crashes. */
export interface ProcessContext {
  /** Name of the process. */
  readonly name: string
  /** Which life of it this is, from 1. */
  readonly life: number
  /** Its time and chance: on its clock, which may be wrong, and no further than its life. */
  readonly runtime: Runtime
  /** The simulated network, as seen from here. */
  readonly transport: Transport
  /** RSocket over that network. */
  readonly protocol: Protocol
  /** The registry, as far as it can be reached from here: the library's `leasedRegistry` over `store`. */
  readonly registry: Registry
  /** An etcd on a machine of its own, as far as it can be reached from here. */
  readonly store: LeaseStore
  /** The broker, as far as it can be reached from here. */
  readonly broker: Broker
  /** The logs of a durable broker on the broker's machine, as far as they can be reached from here. */
  readonly logs: DurableLogs
  /** Writes into the event log. */
  readonly log: Log
  /** Emits when the process is told to stop; a service made here listens to it by itself. */
  readonly stop$: Observable<void>
  /** The library's `createService` with all of the above, seen by the invariants. */
  createService(options: Partial<ServiceOptions> & Pick<ServiceOptions, 'actors'>): Service
  /** The library's `createClient` with all of the above, seen by the invariants. */
  createClient(options?: Partial<ClientOptions>): Client
  /** The library's `durableBroker` over `logs`, or others, with all of the above, seen by the invariants. */
  createBroker(options?: Partial<DurableOptions>, logs?: DurableLogs): Broker
  /** The library's `leasedRegistry` with all of the above, seen by the invariants. */
  createRegistry(options?: Partial<LeasedRegistryOptions>): Registry
  /** Writes a line of your own into the event log. */
  note(text: string): void
}

/**
 * What a process runs: subscribed, or called, at each start. It has ended when its Observable has; one that fails, and
 * an error that nobody catches, breaks the simulation.
 */
export type Program = (context: ProcessContext) => Observable<unknown> | Unsubscribable | void

/** A process in a simulation. */
export interface SimulatedProcess {
  /** Its name. */
  readonly name: string
  /** Whether it runs. */
  readonly isUp: boolean
  /** Starts it, if it is down. */
  start(): void
  /** Tells it to stop. */
  stop(): void
  /** Ends it at once; its machine closes its connections. */
  crash(): void
  /** Ends it at once, and its machine with it: nobody is told. */
  vanish(): void
}

/** A cluster that is being put together, and run. */
export interface World {
  /** Time and chance of the scenario itself, outside of all processes. */
  readonly runtime: Runtime
  /**
   * A process, started at 0 ms. Its name has letters, digits and `-`; `orders-1` is an instance of `orders`.
   * Throws INVALID_ARGUMENT (reason `invalid_scenario`) for other names and for one that is taken.
   */
  process(name: string, program: Program): SimulatedProcess
  /**
   * Faults between two processes, or all instances of two, as marbles: `x` nothing passes, `r` connections break,
   * `z` slow, `o` as it should be: `world.link('web', 'orders', '5s x 3s o')`. `registry` and `broker` are names, too.
   */
  link(a: string, b: string, diagram: string): void
  /** Faults of a process, or all instances: `x` crash, `h` vanish, `s` stop, `z` slow, `o` started again, or quick. */
  fault(process: string, diagram: string): void
  /** Faults of the registry: `x` down, `w` down and back with nothing, `c` forgets changes, `o` as it should be. */
  registry(diagram: string): void
  /** Outages of the broker: `x` down, `o` up. */
  broker(diagram: string): void
  /** Sets the clock of a process, or of all instances, ahead by `ms`, 0 or more. */
  skew(process: string, ms: number): void
  /** Something that must always be true, beside what is checked anyway. */
  invariant(invariant: Invariant): void
}

/** Puts a cluster together, and has done so when it returns. */
export type Scenario = (world: World) => void
