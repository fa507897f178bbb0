/** RSocket frames written and read by hand: by the published specification, with nothing of the engine under test. */

/** Codes of the frame types that are spoken, and of some that are not. */
export const types = {
  SETUP: 0x01,
  LEASE: 0x02,
  KEEPALIVE: 0x03,
  REQUEST_RESPONSE: 0x04,
  REQUEST_FNF: 0x05,
  REQUEST_STREAM: 0x06,
  REQUEST_CHANNEL: 0x07,
  REQUEST_N: 0x08,
  CANCEL: 0x09,
  PAYLOAD: 0x0a,
  ERROR: 0x0b,
  METADATA_PUSH: 0x0c,
  RESUME: 0x0d,
  RESUME_OK: 0x0e,
  EXT: 0x3f,
} as const

/** Name of a frame type. */
export type TypeName = keyof typeof types

/** Flags by the letter that the specification gives them. */
export const flagBits = { I: 0x200, M: 0x100, F: 0x80, R: 0x80, C: 0x40, L: 0x40, N: 0x20 } as const

const errorNames: { readonly [code: number]: string } = {
  0x001: 'INVALID_SETUP',
  0x002: 'UNSUPPORTED_SETUP',
  0x003: 'REJECTED_SETUP',
  0x004: 'REJECTED_RESUME',
  0x101: 'CONNECTION_ERROR',
  0x102: 'CONNECTION_CLOSE',
  0x201: 'APPLICATION_ERROR',
  0x202: 'REJECTED',
  0x203: 'CANCELED',
  0x204: 'INVALID',
}

/** What a frame is made of; what is left out is not there. */
export interface FrameParts {
  /** Name of the type, or a number that has none. */
  readonly type: TypeName | number
  /** @default 0, the connection */
  readonly id?: number
  /** Letters of {@link flagBits}; M is set when there is metadata. @default none */
  readonly flags?: string
  /** The 32 bits of request-n and of error codes. */
  readonly word?: number
  readonly metadata?: Uint8Array
  readonly data?: Uint8Array | string
}

const utf8 = new TextEncoder()
const fromUtf8 = new TextDecoder()

/** The bytes of a frame, without the length that TCP puts before it. */
export function frameBytes({ type, id = 0, flags = '', word, metadata, data = '' }: FrameParts): Uint8Array {
  let bits = metadata === undefined ? 0 : flagBits.M
  for (const letter of flags) bits |= flagBits[letter as keyof typeof flagBits]
  const typeCode = typeof type === 'number' ? type : types[type]
  return joined(
    u32(id),
    u32((typeCode << 10) | bits).slice(2),
    word === undefined ? [] : u32(word),
    metadata === undefined ? [] : u24(metadata.length),
    metadata ?? [],
    typeof data === 'string' ? utf8.encode(data) : data,
  )
}

/** Several byte strings as one. */
export function joined(...parts: readonly (readonly number[] | Uint8Array)[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** Four bytes, big-endian. */
export function u32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff]
}

/** Three bytes, big-endian. */
export function u24(value: number): number[] {
  return u32(value).slice(1)
}

/** Eight bytes, big-endian. */
export function u64(value: number): number[] {
  return [...u32(Math.floor(value / 2 ** 32)), ...u32(value % 2 ** 32)]
}

/** The position in a KEEPALIVE or RESUME_OK frame. */
export function positionIn(bytes: Uint8Array): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(6))
}

/** Bytes written as hexadecimal digits. */
export function fromHex(digits: string): Uint8Array {
  return Uint8Array.from(Buffer.from(digits.replaceAll(' ', ''), 'hex'))
}

/** A frame, taken apart. */
export interface ReadFrame {
  readonly type: TypeName | 'UNKNOWN'
  readonly id: number
  readonly flags: number
  /** Request-n, or the code of an error. */
  readonly word: number | undefined
  readonly metadata: Uint8Array | undefined
  readonly data: Uint8Array
}

/** Frames whose metadata is the rest, without a length, and SETUP, whose metadata comes late. */
const METADATA_IS_REST: ReadonlySet<string> = new Set(['LEASE', 'METADATA_PUSH', 'SETUP'])

/** Takes a frame apart. */
export function readFrame(bytes: Uint8Array): ReadFrame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const code = view.getUint16(4) >>> 10
  const flags = view.getUint16(4) & 0x3ff
  const type = (Object.keys(types) as TypeName[]).find(name => types[name] === code) ?? 'UNKNOWN'
  const hasWord = type === 'REQUEST_STREAM' || type === 'REQUEST_CHANNEL' || type === 'REQUEST_N' || type === 'ERROR'
  let at = hasWord ? 10 : 6
  let metadata: Uint8Array | undefined
  if ((flags & flagBits.M) !== 0 && !METADATA_IS_REST.has(type)) {
    const end = at + 3 + ((view.getUint16(at) << 8) | view.getUint8(at + 2))
    metadata = bytes.slice(at + 3, end)
    at = end
  }
  const word = hasWord ? view.getUint32(6) : undefined
  return { type, id: view.getUint32(0), flags, word, metadata, data: bytes.slice(at) }
}

/**
 * A frame as a line of text: type, stream id, N, C and F, then request-n, or what the error is, or the data as text.
 * An item whose metadata says that it has no body shows `(none)`.
 */
export function lineOf(bytes: Uint8Array): string {
  const { type, id, flags, word, metadata, data } = readFrame(bytes)
  const text = fromUtf8.decode(data)
  const parts: (string | number)[] = [type, id]
  if (type === 'ERROR') parts.push(errorNames[word ?? 0] ?? `0x${word?.toString(16)}`, reasonIn(text))
  else if (word !== undefined) parts.push(`n=${word}`)
  if (type === 'KEEPALIVE') return [type, (flags & flagBits.R) === 0 ? 'answer' : 'ask'].join(' ')
  if (type === 'PAYLOAD') parts.push(['N', 'C', 'F'].filter(letter => flags & flagBits[letter as 'N']).join(''))
  const hasBody = type.startsWith('REQUEST_') || type === 'PAYLOAD'
  if (hasBody && text !== '') parts.push(text)
  else if (metadata !== undefined && type === 'PAYLOAD') parts.push('(none)')
  return parts.join(' ')
}

function reasonIn(text: string): string {
  try {
    return (JSON.parse(text) as { reason: string }).reason
  } catch {
    return text
  }
}
