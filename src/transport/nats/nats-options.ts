import * as E from 'fp-ts/lib/Either.js'
import { credsAuthenticator, nkeyAuthenticator } from 'nats'
import {
  consoleLog,
  fn,
  having,
  integer,
  listOf,
  MAX_TIMER_MS,
  optional,
  resolveOptions,
  RpcError,
  systemRuntime,
  text,
  type Check,
  type Log,
  type Runtime,
} from '../../core/index.js'
import { parseDialAddress, formatAddress } from '../address.js'
import type { TlsOptions } from '../tls-options.js'
import { resolveTls, tlsOptions, type TlsSettings } from '../tls-settings.js'

/** Who we are to the server. Never told in messages, details or logs. */
export type NatsAuth =
  | { readonly user: string; readonly password: string }
  | { readonly token: string }
  /** Seed of an nkey, `SU…`. */
  | { readonly nkeySeed: string }
  /** The text of a `.creds` file: a JWT and the seed that goes with it. */
  | { readonly credentials: string }

/** What {@link natsConnection} is made of. */
export interface NatsOptions {
  /**
   * Servers of one cluster, `host` or `host:port`, at least one; those that they name themselves are used too. Who has the
   * connection is drawn by lot. @default `['127.0.0.1:4222']`
   */
  readonly servers?: readonly string[]
  /** Name that the server shows for us. @default 'millrace' */
  readonly name?: string
  /** Who we are. @default nobody in particular */
  readonly auth?: NatsAuth
  /** Talk over TLS, and to no server without it. @default as the server demands, with the authorities of Node */
  readonly tls?: Pick<TlsOptions, 'identity' | 'ca' | 'serverName' | 'minVersion'>
  /** How long one server has until it has let us in, ms. @default 5000 */
  readonly connectTimeoutMs?: number
  /** Time between two pings, ms; a server that is silent is given up when twice as long has passed. @default 5000 */
  readonly pingIntervalMs?: number
  /** How long the connection outlives its last user, ms. @default 5000 */
  readonly idleMs?: number
  /** Time and chance; only the client library's own time limits are not counted by it. @default `systemRuntime()` */
  readonly runtime?: Runtime
  /** Where losses are told of. @default `consoleLog` */
  readonly log?: Log
}

/** Options of {@link natsConnection}, filled and checked. */
export interface ResolvedNatsOptions {
  readonly servers: readonly string[]
  readonly name: string
  readonly auth: NatsAuth | undefined
  readonly tls: TlsSettings
  /** Whether a server without TLS is refused. */
  readonly demandsTls: boolean
  readonly connectTimeoutMs: number
  readonly pingIntervalMs: number
  readonly idleMs: number
  readonly runtime: Runtime
  readonly log: Log
}

/** Fills and checks options. Throws INVALID_ARGUMENT (reason `invalid_options`) with every fault. */
export function resolveNatsOptions(options: NatsOptions | undefined): ResolvedNatsOptions {
  const { tls, ...resolved } = resolveOptions<Given>(
    'natsConnection',
    {
      servers: optional(serverList, [`127.0.0.1:${PORT}`]),
      name: optional(text, 'millrace'),
      auth: optional(auth),
      tls: optional(tlsOptions),
      connectTimeoutMs: optional(integer({ min: 1, max: MAX_TIMER_MS }), 5000),
      pingIntervalMs: optional(integer({ min: 1, max: MAX_TIMER_MS }), 5000),
      idleMs: optional(integer({ min: 0, max: MAX_TIMER_MS }), 5000),
      runtime: optional(having<Runtime>('scheduler', 'random', 'id', 'microtask', 'macrotask'), systemRuntime()),
      log: optional(fn<Log>(), consoleLog),
    },
    options,
  )
  return {
    ...resolved,
    tls: resolveTls('natsConnection', { ...tls, log: resolved.log }),
    demandsTls: tls !== undefined,
  }
}

type Given = Omit<ResolvedNatsOptions, 'tls' | 'demandsTls'> & Pick<NatsOptions, 'tls'>

const PORT = 4222

const server: Check<string> = (value, name) => {
  try {
    const given = String(value)
    const { host, port } = parseDialAddress(/:\d+$/.test(given) ? given : `${given}:${PORT}`)
    return E.right(formatAddress(host, port))
  } catch (error) {
    const why = RpcError.from(error).rawMessage
    return E.left([`${name}: expected host or host:port of a nats-server, without a scheme; ${why}`])
  }
}

const serverList: Check<readonly string[]> = (value, name) =>
  Array.isArray(value) && value.length === 0 ? E.left([`${name}: expected at least one`]) : listOf(server)(value, name)

/** What is wrong is said without quoting it. */
const auth: Check<NatsAuth> = (value, name) => {
  const given = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  const fields = Object.keys(given).toSorted().join()
  const texts = Object.values(given).every(field => typeof field === 'string' && field !== '')
  if (!texts || !['password,user', 'token', 'nkeySeed', 'credentials'].includes(fields)) {
    return E.left([`${name}: expected user and password, or token, or nkeySeed, or credentials, as texts`])
  }
  const fault = faultOfKey(value as NatsAuth)
  return fault === undefined ? E.right(value as NatsAuth) : E.left([`${name}: ${fault}`])
}

function faultOfKey(value: NatsAuth): string | undefined {
  try {
    authenticatorOf(value)?.('')
    return undefined
  } catch {
    return 'nkeySeed' in value
      ? 'nkeySeed is no seed of an nkey, SU…'
      : 'credentials are not the text of a .creds file, a JWT and a seed between lines of dashes'
  }
}

/** What answers the challenge of a server, for those who prove who they are by a key. */
export function authenticatorOf(given: NatsAuth | undefined): ReturnType<typeof nkeyAuthenticator> | undefined {
  if (given === undefined) return undefined
  if ('nkeySeed' in given) return nkeyAuthenticator(bytesOf(given.nkeySeed.trim()))
  return 'credentials' in given ? credsAuthenticator(bytesOf(given.credentials)) : undefined
}

function bytesOf(key: string): Uint8Array {
  return new TextEncoder().encode(key)
}
