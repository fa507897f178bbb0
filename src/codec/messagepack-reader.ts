import type { RpcError } from '../core/index.js'
import { notDecodable, tooDeep, tooLarge, tooManyItems } from './codec-errors.js'
import type { CodecLimits } from './codec.js'

const CODEC = 'msgpack'
const NOTHING = new Uint8Array(0)
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const { fromCharCode } = String

/** Strings up to this many bytes are cheaper to make of character codes than to hand to the platform's decoder. */
/** Longest array that gets all its room before its elements are read. */
const PREALLOCATED = 64
const SHORT = 24
/** Field names of at most `SHORT` bytes are remembered in so many slots, so that most are compared and not made. */
const NAME_SLOTS = 1024
const LAST_SECOND = 8_640_000_000_000

/**
 * Reads MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md) strictly: whole values, field names that
 * are valid UTF-8 strings, no extension types but the timestamp and `undefined`; nothing is allocated for a declared
 * length before the bytes that it needs are known to be there.
 */
export class MessagePackReader {
  private readonly limits: CodecLimits
  private readonly names: string[]
  private bytes: Uint8Array
  private start: number
  private at: number
  private end: number
  private depth: number
  private items: number

  /** Makes a reader; it is used for one value after another. */
  constructor(limits: CodecLimits) {
    this.limits = limits
    this.names = new Array<string>(NAME_SLOTS).fill('')
    this.bytes = NOTHING
    this.start = 0
    this.at = 0
    this.end = 0
    this.depth = 0
    this.items = 0
  }

  /** The one value of `bytes[start, end)`; throws as `Codec.decodeUnsafe` does. */
  read(bytes: Uint8Array, start: number, end: number): unknown {
    if (end - start > this.limits.maxBytes) throw tooLarge(CODEC, this.limits, end - start)
    this.bytes = bytes
    this.start = start
    this.at = start
    this.end = Math.min(end, bytes.length)
    this.depth = 0
    this.items = this.limits.maxItems
    try {
      const value = this.value()
      if (this.at !== this.end) throw this.malformed(`${this.end - this.at} bytes after the value`)
      if (value === undefined) throw this.malformed('undefined, which means no body at all')
      return value
    } finally {
      this.bytes = NOTHING
    }
  }

  private value(): unknown {
    if (this.at >= this.end) throw this.malformed('the bytes end inside a value')
    const token = this.bytes[this.at++] as number
    if (token < 0x80) return token
    if (token < 0x90) return this.map(token & 0x0f)
    if (token < 0xa0) return this.array(token & 0x0f)
    if (token < 0xc0) return this.string(token & 0x1f)
    if (token >= 0xe0) return token - 0x100
    switch (token) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
        return this.binary(this.uint(1))
      case 0xc5:
        return this.binary(this.uint(2))
      case 0xc6:
        return this.binary(this.uint(4))
      case 0xc7:
        return this.extension(this.uint(1))
      case 0xc8:
        return this.extension(this.uint(2))
      case 0xc9:
        return this.extension(this.uint(4))
      case 0xca:
        return this.float(4)
      case 0xcb:
        return this.float(8)
      case 0xcc:
        return this.uint(1)
      case 0xcd:
        return this.uint(2)
      case 0xce:
        return this.uint(4)
      case 0xcf:
        return this.uint64()
      case 0xd0:
        return (this.uint(1) << 24) >> 24
      case 0xd1:
        return (this.uint(2) << 16) >> 16
      case 0xd2:
        return this.uint(4) | 0
      case 0xd3:
        return BigInt.asIntN(64, this.uint64())
      case 0xd4:
        return this.extension(1)
      case 0xd5:
        return this.extension(2)
      case 0xd6:
        return this.extension(4)
      case 0xd7:
        return this.extension(8)
      case 0xd8:
        return this.extension(16)
      case 0xd9:
        return this.string(this.uint(1))
      case 0xda:
        return this.string(this.uint(2))
      case 0xdb:
        return this.string(this.uint(4))
      case 0xdc:
        return this.array(this.uint(2))
      case 0xdd:
        return this.array(this.uint(4))
      case 0xde:
        return this.map(this.uint(2))
      case 0xdf:
        return this.map(this.uint(4))
      default:
        throw this.malformed(`0x${token.toString(16)}, which starts no value`)
    }
  }

  private map(length: number): unknown {
    this.enter(length, 2)
    const fields: Record<string, unknown> = {}
    for (let count = 0; count < length; count++) {
      const name = this.name()
      if (name === '__proto__') throw this.malformed('a field named __proto__')
      fields[name] = this.value()
    }
    this.depth--
    return fields
  }

  private array(length: number): unknown {
    this.enter(length, 1)
    // Of its size from the start, for a list that grows item by item takes room for 17; but a declared length is not
    // believed further than a few bytes of our own.
    const elements: unknown[] = length <= PREALLOCATED ? new Array<unknown>(length) : []
    for (let index = 0; index < length; index++) elements[index] = this.value()
    this.depth--
    return elements
  }

  /** Checks a container of `length` items, each at least `size` bytes, before anything is made for it. */
  private enter(length: number, size: number): void {
    if (++this.depth > this.limits.maxDepth) throw tooDeep(CODEC, this.limits, `byte ${this.at - this.start}`)
    this.need(length * size)
    if ((this.items -= length) < 0) throw tooManyItems(CODEC, this.limits)
  }

  private name(): string {
    const token = this.at < this.end ? (this.bytes[this.at++] as number) : 0
    if (token > 0xa0 && token <= 0xa0 + SHORT) return this.shortName(token & 0x1f)
    if (token >= 0xa0 && token < 0xc0) return this.string(token & 0x1f)
    if (token === 0xd9) return this.string(this.uint(1))
    if (token === 0xda) return this.string(this.uint(2))
    if (token === 0xdb) return this.string(this.uint(4))
    throw this.malformed('a field name that is not a string')
  }

  private shortName(length: number): string {
    this.need(length)
    const { bytes, at } = this
    const first = bytes[at] as number
    const last = bytes[at + length - 1] as number
    const slot = (length * 67 + first * 31 + last) & (NAME_SLOTS - 1)
    const known = this.names[slot] as string
    if (known.length === length) {
      let index = 0
      while (index < length && known.charCodeAt(index) === bytes[at + index]) index++
      if (index === length) {
        this.at = at + length
        return known
      }
    }
    const name = this.string(length)
    // Other than ASCII, a name is shorter than its bytes and could equal them by chance: those are not remembered.
    if (name.length === length) this.names[slot] = name
    return name
  }

  private string(length: number): string {
    this.need(length)
    const { bytes, at } = this
    const end = (this.at = at + length)
    if (length > SHORT) return this.decoded(at, end)
    let text = ''
    let index = at
    for (; index + 8 <= end; index += 8) {
      const a = bytes[index] as number
      const b = bytes[index + 1] as number
      const c = bytes[index + 2] as number
      const d = bytes[index + 3] as number
      const e = bytes[index + 4] as number
      const f = bytes[index + 5] as number
      const g = bytes[index + 6] as number
      const h = bytes[index + 7] as number
      if ((a | b | c | d | e | f | g | h) > 0x7f) return this.decoded(at, end)
      text += fromCharCode(a, b, c, d, e, f, g, h)
    }
    if (index + 4 <= end) {
      const a = bytes[index] as number
      const b = bytes[index + 1] as number
      const c = bytes[index + 2] as number
      const d = bytes[index + 3] as number
      if ((a | b | c | d) > 0x7f) return this.decoded(at, end)
      text += fromCharCode(a, b, c, d)
      index += 4
    }
    for (; index < end; index++) {
      const byte = bytes[index] as number
      if (byte > 0x7f) return this.decoded(at, end)
      text += fromCharCode(byte)
    }
    return text
  }

  private decoded(start: number, end: number): string {
    try {
      return utf8.decode(this.bytes.subarray(start, end))
    } catch {
      this.at = start
      throw this.malformed('a string that is not UTF-8') // TextDecoder's own error says no more
    }
  }

  private binary(length: number): Uint8Array {
    this.need(length)
    const start = this.at
    this.at += length
    // Not subarray: of a Buffer it would be a Buffer.
    return new Uint8Array(this.bytes.buffer, this.bytes.byteOffset + start, length)
  }

  private uint(size: 1 | 2 | 4): number {
    this.need(size)
    const { bytes, at } = this
    this.at = at + size
    const a = bytes[at] as number
    if (size === 1) return a
    const b = bytes[at + 1] as number
    if (size === 2) return (a << 8) | b
    return ((a << 24) | (b << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0
  }

  private uint64(): bigint {
    const high = this.uint(4)
    return (BigInt(high) << 32n) | BigInt(this.uint(4))
  }

  private float(size: 4 | 8): number {
    this.need(size)
    for (let index = 0; index < size; index++) scratch.setUint8(index, this.bytes[this.at++] as number)
    return size === 4 ? scratch.getFloat32(0) : scratch.getFloat64(0)
  }

  private extension(length: number): unknown {
    const type = this.uint(1)
    this.need(length)
    const end = this.at + length
    const value = type === 0xff ? this.timestamp(length) : undefined
    // Type 0 with one zero byte is how JavaScript writers, msgpackr among them, say undefined.
    if (value === undefined && (type !== 0 || length !== 1 || this.bytes[this.at] !== 0)) {
      throw this.malformed(`an extension of type ${(type << 24) >> 24} and ${length} bytes`)
    }
    this.at = end
    return value
  }

  /** The instant to the millisecond; `undefined` when there is no such instant. */
  private timestamp(length: number): Date | undefined {
    let nanos = 0
    let seconds: number
    if (length === 4) seconds = this.uint(4)
    else if (length === 8) {
      const high = this.uint(4)
      nanos = high >>> 2
      seconds = (high & 3) * 0x1_0000_0000 + this.uint(4)
    } else if (length === 12) {
      nanos = this.uint(4)
      seconds = (this.uint(4) | 0) * 0x1_0000_0000 + this.uint(4)
    } else return undefined
    if (nanos > 999_999_999 || seconds > LAST_SECOND || seconds < -LAST_SECOND) return undefined
    return new Date(seconds * 1000 + Math.floor(nanos / 1_000_000))
  }

  private need(length: number): void {
    if (length > this.end - this.at) throw this.malformed(`the bytes end ${length - this.end + this.at} bytes early`)
  }

  private malformed(what: string): RpcError {
    return notDecodable(CODEC, `${what} at byte ${this.at - this.start}`)
  }
}

const scratch = new DataView(new ArrayBuffer(8))
