import * as E from 'fp-ts/lib/Either.js'
import {
  consoleLog,
  fn,
  having,
  integer,
  listOf,
  optional,
  resolveOptions,
  systemRuntime,
  text,
  type Check,
  type Log,
  type Runtime,
} from '../../core/index.js'

/** Who we are to etcd, when it asks for that. */
export interface EtcdAuth {
  /** Name of the user. */
  readonly username: string
  /** Password of the user; never logged. */
  readonly password: string
}

/** How etcd is reached over TLS; PEM, as text or bytes. */
export interface EtcdTls {
  /** Authorities whose certificates are trusted. @default those of Node */
  readonly ca?: string | Uint8Array
  /** Our certificate, when etcd asks for one; with `key`. @default none */
  readonly cert?: string | Uint8Array
  /** The key of our certificate. @default none */
  readonly key?: string | Uint8Array
}

/** What {@link etcd} is made of. */
export interface EtcdOptions {
  /** Members of the cluster, `host:port` or `host`, at least one. @default `['127.0.0.1:2379']` */
  readonly endpoints?: readonly string[]
  /** What all keys begin with. @default '/micro/registry', as go-micro has it */
  readonly prefix?: string
  /**
   * How long a node that was killed stays registered, ms; sent as whole seconds. etcd takes no less than about 2 s.
   * @default 30_000
   */
  readonly ttlMs?: number
  /** User and password. @default none */
  readonly auth?: EtcdAuth
  /** Talk over TLS. @default plain TCP */
  readonly tls?: EtcdTls
  /** How long one member has to answer one request, ms. @default 3000 */
  readonly callTimeoutMs?: number
  /** How long a watch may hear nothing before it asks whether it has missed something, ms. @default 5000 */
  readonly confirmMs?: number
  /** Time and chance. @default `systemRuntime()` */
  readonly runtime?: Runtime
  /** Where outages and skipped records are told of. @default `consoleLog` */
  readonly log?: Log
}

/** Options of {@link etcd}, filled and checked. */
export interface ResolvedEtcdOptions {
  readonly endpoints: readonly string[]
  readonly prefix: string
  readonly ttlMs: number
  readonly auth: EtcdAuth | undefined
  readonly tls: EtcdTls | undefined
  readonly callTimeoutMs: number
  readonly confirmMs: number
  readonly runtime: Runtime
  readonly log: Log
}

/** Fills and checks options. Throws INVALID_ARGUMENT (reason `invalid_options`) with every fault. */
export function resolveEtcdOptions(options: EtcdOptions | undefined): ResolvedEtcdOptions {
  return resolveOptions<ResolvedEtcdOptions>(
    'etcd',
    {
      endpoints: optional(endpointList, ['127.0.0.1:2379']),
      prefix: optional(text, '/micro/registry'),
      ttlMs: optional(integer({ min: 2000, max: 4_500_000 }), 30_000),
      auth: optional(having<EtcdAuth>('username', 'password')),
      tls: optional(having<EtcdTls>()),
      callTimeoutMs: optional(integer({ min: 100, max: 60_000 }), 3000),
      confirmMs: optional(integer({ min: 100, max: 600_000 }), 5000),
      runtime: optional(having<Runtime>('scheduler', 'random', 'id'), systemRuntime()),
      log: optional(fn<Log>(), consoleLog),
    },
    options,
  )
}

const PORT = 2379
const ENDPOINT = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/i

const endpoint: Check<string> = (value, name) => {
  const match = typeof value === 'string' ? ENDPOINT.exec(value) : null
  if (match === null || Number(match[1] ?? PORT) > 65_535) {
    return E.left([`${name}: expected host:port of an etcd, without a scheme (TLS is the option tls)`])
  }
  return E.right(match[1] === undefined ? `${match[0]}:${PORT}` : match[0])
}

const endpointList: Check<readonly string[]> = (value, name) =>
  Array.isArray(value) && value.length === 0
    ? E.left([`${name}: expected at least one`])
    : listOf(endpoint)(value, name)
