import { MAX_HEADER_BYTES } from '../../../core/index.js'
import { invalidMetadata } from '../byte-reader.js'
import { readU16 } from '../frame.js'

/** Types of authentication with a number of their own. */
const SIMPLE = 0x80
const BEARER = 0x81

/** One word of visible ASCII: whoever passes the header on over HTTP must not pass on a line break. */
const TOKEN = /^[\x21-\x7e]+$/

const utf8 = new TextEncoder()
const fromUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Authentication metadata as the value of an `authorization` header: `Bearer token`, or `Basic` with user and password
 * in base64. `undefined` for a type that is neither. Throws INVALID_ARGUMENT (reason `invalid_metadata`) for what does not
 * read and what such a value cannot say: a token that is not one word of visible ASCII, a user name with a colon, more than
 * a header may have. Errors do not contain what was read.
 */
export function readAuthorization(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start > MAX_HEADER_BYTES) throw invalid(`${end - start} bytes, at most ${MAX_HEADER_BYTES}`)
  const type = start < end ? (bytes[start] as number) : -1
  if (type === BEARER) return short(`Bearer ${readBearer(bytes, start + 1, end)}`)
  if (type === SIMPLE) return short(`Basic ${toBase64(readSimple(bytes, start + 1, end))}`)
  if (type < 0 || (type < 0x80 && start + 2 + type > end)) throw invalid('it ends early')
  return undefined
}

/** The metadata of an `authorization` header; `undefined` when it is of another scheme, or does not read. */
export function authenticationOf(authorization: string): Uint8Array | undefined {
  const [, scheme = '', value = ''] = /^(\w+) +(\S+)$/.exec(authorization) ?? []
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return TOKEN.test(value) ? Uint8Array.of(BEARER, ...utf8.encode(value)) : undefined
    case 'basic':
      return simple(value)
    default:
      return undefined
  }
}

function readBearer(bytes: Uint8Array, start: number, end: number): string {
  const token = decoded(bytes, start, end)
  if (!TOKEN.test(token)) throw invalid('a token that is not one word of visible ASCII')
  return token
}

/** Base64 is longer than what was read. */
function short(authorization: string): string {
  if (authorization.length <= MAX_HEADER_BYTES) return authorization
  throw invalid(`a header of ${authorization.length} bytes, at most ${MAX_HEADER_BYTES}`)
}

function readSimple(bytes: Uint8Array, start: number, end: number): string {
  if (start + 2 > end) throw invalid('it ends early')
  const passwordAt = start + 2 + readU16(bytes, start)
  if (passwordAt > end) throw invalid('it ends early')
  const user = decoded(bytes, start + 2, passwordAt)
  if (user.includes(':')) throw invalid('a user name with a colon, which a header cannot say')
  return `${user}:${decoded(bytes, passwordAt, end)}`
}

function simple(value: string): Uint8Array | undefined {
  const credentials = fromBase64(value)
  const colon = credentials?.indexOf(':') ?? -1
  if (credentials === undefined || colon < 0) return undefined
  const user = utf8.encode(credentials.slice(0, colon))
  if (user.length > 0xffff) return undefined
  return Uint8Array.of(SIMPLE, user.length >>> 8, user.length, ...user, ...utf8.encode(credentials.slice(colon + 1)))
}

function toBase64(text: string): string {
  return btoa(String.fromCharCode(...utf8.encode(text)))
}

function fromBase64(text: string): string | undefined {
  try {
    return fromUtf8.decode(Uint8Array.from(atob(text), character => character.charCodeAt(0)))
  } catch {
    return undefined
  }
}

function decoded(bytes: Uint8Array, start: number, end: number): string {
  try {
    return fromUtf8.decode(bytes.subarray(start, end))
  } catch {
    throw invalid('text that is not UTF-8')
  }
}

function invalid(what: string): Error {
  return invalidMetadata(`authentication: ${what}`)
}
