import * as E from 'fp-ts/lib/Either.js'
import { isObservable, map, of, type Observable } from 'rxjs'
import {
  bool,
  consoleLog,
  fn,
  integer,
  MAX_TIMER_MS,
  oneOf,
  optional,
  resolveOptions,
  RpcError,
  text,
  type Check,
  type Log,
} from '../core/index.js'
import { readAuthorities, readIdentity, type Credentials, type TrustOptions } from './tls-identity.js'
import type { TlsIdentity, TlsOptions } from './tls-options.js'

/** {@link TlsOptions} as connections use them. */
export interface TlsSettings {
  /** What can be used of the identities that are emitted, and why others cannot be. */
  readonly credentials: Observable<E.Either<RpcError, Credentials>>
  /** Whether there is an identity at all. */
  readonly hasIdentity: boolean
  /** {@link TlsOptions.requireClientCertificate}. */
  readonly requireClientCertificate: boolean
  /** {@link TlsOptions.serverName}. */
  readonly serverName: string | undefined
  /** {@link TlsOptions.minVersion}. */
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  /** {@link TlsOptions.handshakeTimeoutMs}. */
  readonly handshakeTimeoutMs: number
  /** {@link TlsOptions.log}. */
  readonly log: Log
}

/** The `tls` of a transport, as it was given. */
export interface GivenTls {
  /** Nothing without TLS. */
  readonly tls: TlsOptions | undefined
}

type Given = Required<Omit<TlsOptions, 'identity' | 'ca' | 'serverName'>> & {
  readonly identity: TlsIdentity | Observable<TlsIdentity> | undefined
  readonly ca: readonly Buffer[] | undefined
  readonly serverName: string | undefined
}

/**
 * Fills and checks the `tls` of a transport, a constant identity included: INVALID_ARGUMENT (reason `invalid_options`)
 * with every fault, such as a key that does not belong to its certificate. Values are never quoted.
 */
export function resolveTls(owner: string, options: TlsOptions): TlsSettings {
  const name = `tls of ${owner}`
  const { identity, ...given } = resolveOptions<Given>(
    name,
    {
      identity: optional(object<TlsIdentity | Observable<TlsIdentity>>('cert and key, or an Observable of them')),
      ca: optional(authorities),
      requireClientCertificate: optional(bool, false),
      serverName: optional<string>(text),
      minVersion: optional(oneOf('TLSv1.2', 'TLSv1.3'), 'TLSv1.2'),
      handshakeTimeoutMs: optional(integer({ min: 1, max: MAX_TIMER_MS }), 10_000),
      log: optional(fn<Log>(), consoleLog),
    },
    options,
  )
  return { ...given, hasIdentity: identity !== undefined, credentials: credentialsOf(identity, given, name) }
}

function credentialsOf(
  identity: Given['identity'],
  trust: TrustOptions,
  name: string,
): Observable<E.Either<RpcError, Credentials>> {
  if (isObservable(identity)) {
    return identity.pipe(
      map(each => E.mapLeft(refused('invalid_identity'))(readIdentity(each ?? ({} as TlsIdentity), trust))),
    )
  }
  const read = readIdentity(identity, trust)
  if (E.isRight(read)) return of(read)
  throw refused('invalid_options', name)(read.left)
}

function refused(
  reason: 'invalid_options' | 'invalid_identity',
  name = 'tls',
): (faults: readonly string[]) => RpcError {
  return faults => new RpcError('INVALID_ARGUMENT', `${name}: ${faults.join('; ')}`, { reason, details: faults })
}

/** An object, not told when it is none: it may be a key. */
function object<T extends object>(what: string): Check<T> {
  return (value, name) =>
    typeof value === 'object' && value !== null
      ? E.right(value as T)
      : E.left([`${name}: expected an object with ${what}`])
}

/** Checks that the `tls` of a transport is an object; {@link resolveTls} checks what is in it. */
export const tlsOptions: Check<TlsOptions> = object<TlsOptions>('`identity` or `ca`')

const authorities: Check<readonly Buffer[]> = (value, name) => {
  const faults: string[] = []
  const read = readAuthorities(value, name, faults)
  const [first, ...others] = faults
  return first === undefined ? E.right(read) : E.left([first, ...others])
}
