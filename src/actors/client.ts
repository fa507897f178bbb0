// A program whose `lib` is older than Symbol.asyncDispose gets it with the declarations of this file.
/// <reference lib="esnext.disposable" preserve="true" />
import { lastValueFrom, merge, type Observable } from 'rxjs'
import {
  consoleLog,
  fn,
  having,
  header as headerOf,
  listOf,
  MAX_TIMER_MS,
  number,
  optional,
  resolveOptions,
  RpcError,
  systemRuntime,
  type Header,
  type Log,
  type Runtime,
} from '../core/index.js'
import {
  intercept,
  pool,
  resolvePoolOptions,
  type Interceptor,
  type Peer,
  type Pool,
  type PoolOptions,
  type Protocol,
} from '../protocol/index.js'
import type { Registry } from '../registry/index.js'
import { defaultSelector, type Explanation, type Selector } from '../selector/index.js'
import { Balanced } from './balanced.js'
import { isServiceName, type Contract, type Endpoints } from './contract.js'
import { createStub } from './create-stub.js'
import type { Stub } from './stub.js'

/** Options of {@link createClient}. */
export interface ClientOptions {
  /** Speaks to the nodes; nodes registered with another protocol or transport are left out. */
  readonly protocol: Protocol
  /** Knows the nodes. */
  readonly registry: Registry
  /** Picks the node for each call. @default defaultSelector */
  readonly selector?: Selector
  /** Wrapped around every call, the first outermost, once a service; deadlines are around them. @default none */
  readonly interceptors?: readonly Interceptor[]
  /** Time for each call, ms, ≤ 2_147_483_647. @default none: calls end with their connection at the latest */
  readonly deadlineMs?: number
  /** Header entries of each call. @default none */
  readonly header?: Header
  /** Connections to one address. @default as `pool` says */
  readonly pool?: Omit<PoolOptions, 'runtime'>
  /** Time and chance. @default systemRuntime() */
  readonly runtime?: Runtime
  /** Where what nobody asked for goes. @default consoleLog */
  readonly log?: Log
}

/** Options of {@link Client.of}. */
export interface OfOptions {
  /** Name of the service that answers. @default the name of the contract */
  readonly service?: string
}

/** Calls services by contract, wherever they run. */
export interface Client {
  /**
   * The endpoints of a contract as methods. Stubs of one service share its watch and connections; make them once.
   * Throws INVALID_ARGUMENT (reason `invalid_options`) when `service` is no name.
   */
  of<E extends Endpoints>(contract: Contract<E>, options?: OfOptions): Stub<E>
  /**
   * Why each node of a service is picked or is not: a whole table at once, and whenever it changes; counts are told once a
   * second at most. Subscribing watches the service, as a call does; it completes when the client is closed, and fails
   * when the watch fails for good. Throws INVALID_ARGUMENT (reason `invalid_options`) when `service` is no name.
   */
  explain(service: string): Observable<Explanation>
  /**
   * Refuses new calls with FAILED_PRECONDITION (reason `client_closed`), those that wait for a node too, lets running
   * ones end, and closes each connection when its last call has ended. May be called again.
   */
  close(): void
  /** Closes, and resolves when the running calls have ended. */
  [Symbol.asyncDispose](): Promise<void>
}

interface ResolvedClientOptions extends Required<Omit<ClientOptions, 'deadlineMs' | 'header' | 'pool'>> {
  readonly deadlineMs: number | undefined
  readonly header: Header | undefined
  readonly pool: PoolOptions | undefined
}

/**
 * A client of all services that `registry` knows and `protocol` reaches. Nothing happens before the first call; from
 * then on the registry is watched, and the process is kept alive by what that needs, until `close`.
 * Throws INVALID_ARGUMENT (reason `invalid_options`, every fault listed, or `invalid_header`).
 */
export function createClient(options: ClientOptions): Client {
  const resolved = resolveOptions<ResolvedClientOptions>(
    'createClient',
    {
      protocol: having<Protocol>('name', 'transport', 'connect'),
      registry: having<Registry>('name', 'watch'),
      selector: optional(fn<Selector>(), defaultSelector),
      interceptors: optional(listOf(fn<Interceptor>()), []),
      deadlineMs: optional(number({ min: 0, max: MAX_TIMER_MS })),
      header: optional(having<Header>()),
      pool: optional(having<PoolOptions>()),
      runtime: optional(having<Runtime>('scheduler'), systemRuntime()),
      log: optional(fn<Log>(), consoleLog),
    },
    options,
  )
  const { header, pool: poolOptions, runtime } = resolved
  return new RegistryClient({
    ...resolved,
    header: header && headerOf(header),
    pool: resolvePoolOptions({ ...poolOptions, runtime }),
  })
}

interface Reached {
  readonly balanced: Balanced
  readonly peer: Peer
}

class RegistryClient implements Client {
  private readonly options: ResolvedClientOptions
  private readonly services: Map<string, Reached>
  private closed: boolean

  constructor(options: ResolvedClientOptions) {
    this.options = options
    this.services = new Map()
    this.closed = false
  }

  of<E extends Endpoints>(contract: Contract<E>, { service = contract.name }: OfOptions = {}): Stub<E> {
    if (!isServiceName(service)) throw noServiceName('of', service)
    const { runtime, log, header, deadlineMs } = this.options
    const stub = createStub(contract, this.reach(service).peer, { runtime, log })
    if (header === undefined && deadlineMs === undefined) return stub
    return stub.with({ ...(header !== undefined && { header }), ...(deadlineMs !== undefined && { deadlineMs }) })
  }

  explain(service: string): Observable<Explanation> {
    if (!isServiceName(service)) throw noServiceName('explain', service)
    return this.reach(service).balanced.explain()
  }

  close(): void {
    this.closed = true
    for (const { balanced } of this.services.values()) balanced.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ends = [...this.services.values()].map(({ balanced }) => balanced.outcomes)
    const ended = lastValueFrom(merge(...ends), { defaultValue: undefined })
    this.close()
    await ended
  }

  private reach(service: string): Reached {
    const known = this.services.get(service)
    if (known !== undefined) return known
    const { protocol, registry, selector, runtime, interceptors, pool: poolOptions } = this.options
    const connect = (address: string): Pool => pool(protocol.connect(address), poolOptions)
    const balanced = new Balanced({ service, registry, selector, protocol, runtime, connect })
    if (this.closed) balanced.close()
    const reached = { balanced, peer: intercept(balanced, interceptors) }
    this.services.set(service, reached)
    return reached
  }
}

function noServiceName(method: string, service: unknown): RpcError {
  const message = `${method}: service: expected labels of A-Z a-z 0-9 _ - joined by dots, got ${JSON.stringify(service)}`
  return new RpcError('INVALID_ARGUMENT', message, { reason: 'invalid_options' })
}
