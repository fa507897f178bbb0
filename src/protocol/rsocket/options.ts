import { json, type Codec } from '../../codec/index.js'
import { msgpack } from '../../codec/msgpack.js'
import {
  bool,
  consoleLog,
  fn,
  having,
  header,
  integer,
  limitedLog,
  listOf,
  optional,
  resolveOptions,
  RpcError,
  systemRuntime,
  type Header,
  type Log,
  type Runtime,
} from '../../core/index.js'
import { compactMetadata } from './compact-metadata.js'
import { MAX_31_BITS, MAX_FRAME_BYTES } from './frame.js'
import { leaseGrant, type LeaseGrant } from './lease.js'
import type { MetadataDialect } from './metadata-dialect.js'
import type { ResumeOptions } from './resume/resume-options.js'
import { wireCodec } from './wire-codec.js'

/** Options of {@link rsocket}. */
export interface RSocketOptions {
  /**
   * Makes bytes of bodies. A client announces its MIME type, at most 255 bytes, which the server must speak.
   * @default msgpack()
   */
  readonly codec?: Codec
  /**
   * What a server speaks besides `codec`: clients and single requests choose by MIME type.
   * @default `[json()]`
   */
  readonly codecs?: readonly Codec[]
  /**
   * How a client writes what is beside bodies: {@link compactMetadata} for millrace, {@link compositeMetadata} for other
   * implementations of RSocket. A server speaks both.
   * @default compactMetadata()
   */
  readonly metadata?: MetadataDialect
  /** Items of one stream that may be sent and not yet consumed, each way. @default 256 */
  readonly window?: number
  /**
   * Bytes of items of 16 KiB and more that one stream may have sent to a millrace peer and that are not yet consumed; at
   * least one item.
   * @default 4_194_304
   */
  readonly windowBytes?: number
  /** Time between the keepalives that a client sends, ms, less than `maxLifetimeMs`. @default 10_000, at most a third of `maxLifetimeMs` */
  readonly keepAliveMs?: number
  /** Silence after which a client and its server take the connection for dead, ms. @default 30_000 */
  readonly maxLifetimeMs?: number
  /** Time for a new connection to send its first frame, ms. @default 10_000 */
  readonly setupTimeoutMs?: number
  /** Calls of one peer that may run at once on a connection; more are refused, safe to retry. @default 16_384 */
  readonly maxStreams?: number
  /**
   * Bytes that may wait for a socket which does not take more: new calls over it are refused, safe to retry, and a
   * client that lets that much wait without reading is disconnected. @default 16_777_216
   */
  readonly maxQueuedBytes?: number
  /**
   * Largest frame that carries a part of a payload, header included; a larger payload leaves in fragments, which take
   * turns with other streams. At least 64. @default 65_536
   */
  readonly fragmentBytes?: number
  /** Largest payload of a peer, metadata and data put together; over it the call fails. @default 16_842_752 */
  readonly maxPayloadBytes?: number
  /** Bytes of payloads that have come in part, over all streams of a connection. @default 67_108_864 */
  readonly maxReassemblyBytes?: number
  /** Payloads of a connection that have come in part. @default 256 */
  readonly maxReassemblies?: number
  /**
   * What this side lets a peer ask of it, on each connection: `{ perSecond }`, or an Observable of leases that is
   * subscribed once a connection. Requests beyond it are refused, safe to retry; peers that asked for leases are told
   * them and need not try.
   * @default no limit
   */
  readonly lease?: LeaseGrant
  /**
   * Whether a client asks its servers for leases and keeps to them: a request waits for the first lease (at most 256 do),
   * later ones without leave fail at once, safe to retry. The server must give leases.
   * @default false
   */
  readonly honorLease?: boolean
  /** Time for peers to close a drained connection, ms. @default 1000 */
  readonly closeTimeoutMs?: number
  /**
   * Lets sessions outlive the loss of their network connection: a client dials again, a server waits for it, and nothing
   * is lost, repeated or reordered. Both sides must ask for it. `{}` is with defaults.
   * @default none, a loss ends the connection
   */
  readonly resume?: ResumeOptions
  /** What a client tells about itself; the server sees it as `connection.attributes`. Not for secrets. @default `{}` */
  readonly attributes?: Header
  /** Where connections that end unasked are reported. @default consoleLog */
  readonly log?: Log
  /** Time and chance. @default systemRuntime() */
  readonly runtime?: Runtime
}

/** The options, filled and checked. */
export type ResolvedRSocketOptions = Required<Omit<RSocketOptions, MayBeAbsent>> & {
  readonly [K in MayBeAbsent]: RSocketOptions[K]
}

type MayBeAbsent = 'lease' | 'resume'

/** Fills and checks the options; INVALID_ARGUMENT lists every fault. */
export function resolveRSocketOptions(options: RSocketOptions | undefined): ResolvedRSocketOptions {
  const resolved = resolveOptions<Omit<ResolvedRSocketOptions, 'keepAliveMs'> & Pick<RSocketOptions, 'keepAliveMs'>>(
    'rsocket',
    {
      codec: optional(wireCodec, DEFAULT_CODEC),
      codecs: optional(listOf(wireCodec), DEFAULT_CODECS),
      metadata: optional(having<MetadataDialect>('mimeType', 'open'), compactMetadata()),
      window: optional(integer({ min: 1, max: MAX_31_BITS - 1 }), 256),
      windowBytes: optional(integer({ min: 1, max: Infinity }), 4_194_304),
      keepAliveMs: optional(integer({ min: 1, max: MAX_31_BITS })),
      maxLifetimeMs: optional(integer({ min: 2, max: MAX_31_BITS }), 30_000),
      setupTimeoutMs: optional(integer({ min: 1, max: MAX_31_BITS }), 10_000),
      maxStreams: optional(integer({ min: 1, max: Infinity }), 16_384),
      maxQueuedBytes: optional(integer({ min: 1, max: Infinity }), 16_777_216),
      fragmentBytes: optional(integer({ min: MIN_FRAGMENT_BYTES, max: MAX_FRAME_BYTES }), 65_536),
      maxPayloadBytes: optional(integer({ min: MIN_FRAGMENT_BYTES, max: MAX_31_BITS }), 16_842_752),
      maxReassemblyBytes: optional(integer({ min: MIN_FRAGMENT_BYTES }), 67_108_864),
      maxReassemblies: optional(integer({ min: 1 }), 256),
      lease: optional(leaseGrant),
      honorLease: optional(bool, false),
      closeTimeoutMs: optional(integer({ min: 0, max: MAX_31_BITS }), 1000),
      resume: optional(having<ResumeOptions>()),
      attributes: optional(having<Header>(), {}),
      log: optional(fn<Log>(), consoleLog),
      runtime: optional(having<Runtime>('scheduler', 'microtask'), systemRuntime()),
    },
    options,
  )
  const { maxLifetimeMs, keepAliveMs = keepAliveFor(maxLifetimeMs) } = resolved
  if (keepAliveMs >= maxLifetimeMs) throw tooSeldom(keepAliveMs, maxLifetimeMs)
  const log = limitedLog(resolved.log, resolved.runtime)
  return { ...resolved, keepAliveMs, attributes: header(resolved.attributes), log }
}

/** Two keepalives may be lost or late before the connection counts as dead. */
function keepAliveFor(maxLifetimeMs: number): number {
  return Math.max(1, Math.min(10_000, Math.floor(maxLifetimeMs / 3)))
}

function tooSeldom(keepAliveMs: number, maxLifetimeMs: number): RpcError {
  const message = `rsocket: keepAliveMs: expected less than maxLifetimeMs, ${maxLifetimeMs}, got ${keepAliveMs}`
  return new RpcError('INVALID_ARGUMENT', message, { reason: 'invalid_options' })
}

/** As small as other implementations go. */
const MIN_FRAGMENT_BYTES = 64
const DEFAULT_CODEC: Codec = msgpack()
const DEFAULT_CODECS: readonly Codec[] = [json()]
