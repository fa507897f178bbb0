import { RpcError } from '../../core/index.js'
import { Flag, HEADER_BYTES, MAX_31_BITS, readU16, readU24, readU32, writeU24, writeU32 } from './frame.js'

/** What a client says in its first frame. */
export interface Setup {
  /** Time between keepalives, ms. */
  readonly keepAliveMs: number
  /** Silence after which the connection counts as dead, ms. */
  readonly maxLifetimeMs: number
  /** Whether it wants leases, and gives them. */
  readonly lease: boolean
  /** What names the session when the client comes again; `undefined` when it does not ask for resumption. */
  readonly token: Uint8Array | undefined
  /** MIME type of all metadata. */
  readonly metadataType: string
  /** MIME type of all data. */
  readonly dataType: string
  /** Metadata, if there is any. */
  readonly metadata: Uint8Array | undefined
  /** Data; ours has none. */
  readonly data: Uint8Array
}

const NO_BYTES = new Uint8Array(0)
/** Version of the protocol, 1.0. */
export const VERSION = 0x0001_0000

/** Everything of a SETUP frame after its header. */
export function setupBody({
  keepAliveMs,
  maxLifetimeMs,
  token,
  metadataType,
  dataType,
  metadata = NO_BYTES,
  data,
}: Setup): Uint8Array {
  const typesAt = token === undefined ? 12 : 14 + token.length
  const metadataAt = typesAt + 2 + metadataType.length + dataType.length
  const body = new Uint8Array(metadataAt + 3 + metadata.length + data.length)
  writeU32(body, 0, VERSION)
  writeU32(body, 4, keepAliveMs)
  writeU32(body, 8, maxLifetimeMs)
  if (token !== undefined) {
    body[12] = token.length >>> 8
    body[13] = token.length
    body.set(token, 14)
  }
  writeAscii(body, typesAt, metadataType)
  writeAscii(body, typesAt + 1 + metadataType.length, dataType)
  writeU24(body, metadataAt, metadata.length)
  body.set(metadata, metadataAt + 3)
  body.set(data, metadataAt + 3 + metadata.length)
  return body
}

/** Reads a SETUP frame. Throws FAILED_PRECONDITION (reason `invalid_setup` or `unsupported_setup`) with what is wrong. */
export function readSetup(bytes: Uint8Array, start: number, end: number, flags: number): Setup {
  if (end - start < HEADER_BYTES + 14) throw invalidSetup('it ends early')
  const at = start + HEADER_BYTES
  const version = readU32(bytes, at)
  if (version !== VERSION) throw invalidSetup(`version ${version >>> 16}.${version & 0xffff}, this is 1.0`)
  const keepAliveMs = readU32(bytes, at + 4)
  const maxLifetimeMs = readU32(bytes, at + 8)
  if (!isPositive31(keepAliveMs) || !isPositive31(maxLifetimeMs)) throw invalidSetup('keepalive times must be above 0')
  const token = (flags & Flag.RESUME) === 0 ? undefined : readToken(bytes, at + 12, end)
  const typesAt = at + 12 + (token === undefined ? 0 : 2 + token.length)
  const metadataType = readAscii(bytes, typesAt, end)
  const dataType = readAscii(bytes, typesAt + 1 + metadataType.length, end)
  const rest = typesAt + 2 + metadataType.length + dataType.length
  const metadata = readMetadata(bytes, rest, end, flags)
  const dataAt = metadata === undefined ? rest : rest + 3 + metadata.length
  const lease = (flags & Flag.LEASE) !== 0
  return { keepAliveMs, maxLifetimeMs, token, lease, metadataType, dataType, metadata, data: bytes.slice(dataAt, end) }
}

function readToken(bytes: Uint8Array, at: number, end: number): Uint8Array {
  const tokenEnd = at + 2 + readU16(bytes, at)
  if (tokenEnd > end) throw invalidSetup('it ends within its token')
  if (tokenEnd === at + 2) throw invalidSetup('its token is empty')
  return bytes.slice(at + 2, tokenEnd)
}

function readMetadata(bytes: Uint8Array, start: number, end: number, flags: number): Uint8Array | undefined {
  if ((flags & Flag.METADATA) === 0) return undefined
  if (start + 3 > end) throw invalidSetup('it ends early')
  const metadataEnd = start + 3 + readU24(bytes, start)
  if (metadataEnd > end) throw invalidSetup('its metadata is longer than the frame')
  return bytes.slice(start + 3, metadataEnd)
}

function writeAscii(target: Uint8Array, at: number, text: string): void {
  target[at] = text.length
  for (let index = 0; index < text.length; index++) target[at + 1 + index] = text.charCodeAt(index)
}

function readAscii(bytes: Uint8Array, at: number, end: number): string {
  const length = at < end ? (bytes[at] as number) : end
  if (at + 1 + length > end) throw invalidSetup('it ends within a MIME type')
  let text = ''
  for (let index = at + 1; index <= at + length; index++) text += String.fromCharCode(bytes[index] as number)
  return text
}

function isPositive31(value: number): boolean {
  return value > 0 && value <= MAX_31_BITS
}

function invalidSetup(what: string): RpcError {
  return new RpcError('FAILED_PRECONDITION', `SETUP: ${what}`, { reason: 'invalid_setup' })
}
