import { readFile } from 'node:fs'
import {
  bindNodeCallback,
  catchError,
  defer,
  distinctUntilChanged,
  EMPTY,
  exhaustMap,
  forkJoin,
  map,
  timer,
} from 'rxjs'
import type { Observable } from 'rxjs'
import {
  consoleLog,
  fn,
  having,
  integer,
  MAX_TIMER_MS,
  optional,
  resolveOptions,
  RpcError,
  systemRuntime,
  text,
  type Log,
  type Runtime,
} from '../core/index.js'
import type { TlsIdentity } from './tls-options.js'

/** What {@link identityFromFiles} is made of. */
export interface IdentityFiles {
  /** Path of the certificate, with those of its issuers behind it. */
  readonly cert: string
  /** Path of the private key. */
  readonly key: string
  /** Path of the authorities to trust. @default those of the options */
  readonly ca?: string
  /** What the private key is encrypted with. @default the key is not encrypted */
  readonly passphrase?: string
  /** How often the files are read again, in ms. @default 10_000 */
  readonly pollMs?: number
  /** Where files that can no longer be read are told. @default consoleLog */
  readonly log?: Log
  /** Where timers come from. @default systemRuntime() */
  readonly runtime?: Runtime
}

/**
 * The identity that is in files: what they hold when it is subscribed, and again whenever they have changed.
 *
 * They are read again rather than watched, so that it does not matter how they are replaced: in place, by another file,
 * or by a link to another folder. Files that cannot be read fail it with INVALID_ARGUMENT (reason `invalid_identity`)
 * at first, later they are logged once (`tls.identity_unreadable`).
 *
 * Throws INVALID_ARGUMENT (reason `invalid_options`).
 */
export function identityFromFiles(files: IdentityFiles): Observable<TlsIdentity> {
  const { passphrase, pollMs, log, runtime, ...paths } = resolveIdentityFiles(files)
  return defer(() => {
    let known = false
    let readable = true
    return timer(0, pollMs, runtime.scheduler).pipe(
      exhaustMap(() =>
        read(paths).pipe(
          map(identity => {
            known = readable = true
            return identity
          }),
          catchError((error: Error) => {
            if (!known) throw unreadable(error)
            if (readable)
              log({ level: 'error', event: 'tls.identity_unreadable', message: unreadable(error).rawMessage })
            readable = false
            return EMPTY
          }),
        ),
      ),
      distinctUntilChanged(equal),
      map(identity => ({ ...identity, ...(passphrase !== undefined && { passphrase }) })),
    )
  })
}

interface Paths {
  readonly cert: string
  readonly key: string
  readonly ca: string | undefined
}

type Contents = { readonly cert: Buffer; readonly key: Buffer; readonly ca?: Buffer }

type Resolved = Paths & {
  readonly passphrase: string | undefined
  readonly pollMs: number
  readonly log: Log
  readonly runtime: Runtime
}

function resolveIdentityFiles({ passphrase, ...files }: IdentityFiles): Resolved {
  const resolved = resolveOptions<Omit<Resolved, 'passphrase'>>(
    'identityFromFiles',
    {
      cert: text,
      key: text,
      ca: optional<string>(text),
      pollMs: optional(integer({ min: 1, max: MAX_TIMER_MS }), 10_000),
      log: optional(fn<Log>(), consoleLog),
      runtime: optional(having<Runtime>('scheduler'), systemRuntime()),
    },
    files,
  )
  return { ...resolved, passphrase } // never shown, and checked where it is used
}

const readBytes = bindNodeCallback((path: string, done: (error: Error | null, bytes: Buffer) => void) =>
  readFile(path, done),
)

function read({ cert, key, ca }: Paths): Observable<Contents> {
  const own = forkJoin({ cert: readBytes(cert), key: readBytes(key) })
  return ca === undefined ? own : forkJoin([own, readBytes(ca)]).pipe(map(([pair, bytes]) => ({ ...pair, ca: bytes })))
}

function equal(a: Contents, b: Contents): boolean {
  return a.cert.equals(b.cert) && a.key.equals(b.key) && (a.ca ?? EMPTY_FILE).equals(b.ca ?? EMPTY_FILE)
}

const EMPTY_FILE = Buffer.alloc(0)

function unreadable(error: Error): RpcError {
  const message = `identityFromFiles: ${error.message}`
  return new RpcError('INVALID_ARGUMENT', message, { reason: 'invalid_identity', cause: error })
}
