import * as E from 'fp-ts/lib/Either.js'
import type { RpcError } from '../core/index.js'
import { notDecodable, tooDeep, tooLarge, tooManyItems } from './codec-errors.js'
import { resolveCodecLimits } from './codec-limits.js'
import type { Codec, CodecLimits } from './codec.js'
import { describe, PlainDataCheck } from './plain-data.js'

/**
 * JSON as RFC 8259 has it, in UTF-8 without a byte order mark: readable by everything, and strict. What JSON has no
 * word for (dates, bytes, bigints, NaN) is refused, never turned into something else.
 */
export function json(limits?: Partial<CodecLimits>): Codec {
  return new JsonCodec(resolveCodecLimits(CODEC, limits))
}

const CODEC = 'json'
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

class JsonCodec implements Codec {
  readonly contentType = 'application/json'
  private readonly limits: CodecLimits
  private readonly plain: PlainDataCheck

  constructor(limits: CodecLimits) {
    this.limits = limits
    this.plain = new PlainDataCheck(CODEC, limits, unusual)
  }

  encode(value: unknown, reserve: number): Uint8Array {
    this.plain.run(value)
    const text = this.plain.hasNegativeZero ? withNegativeZero(value) : JSON.stringify(value)
    const encoded = encoder.encode(text)
    if (encoded.length > this.limits.maxBytes) throw tooLarge(CODEC, this.limits, encoded.length)
    if (reserve === 0) return encoded
    const bytes = new Uint8Array(reserve + encoded.length)
    bytes.set(encoded, reserve)
    return bytes
  }

  decode(bytes: Uint8Array): E.Either<RpcError, unknown> {
    return E.tryCatch(
      () => this.decodeUnsafe(bytes, 0, bytes.length),
      error => error as RpcError,
    )
  }

  decodeUnsafe(bytes: Uint8Array, start: number, end: number): unknown {
    if (end - start > this.limits.maxBytes) throw tooLarge(CODEC, this.limits, end - start)
    this.checkShape(bytes, start, end)
    let text: string
    let value: unknown
    try {
      text = decoder.decode(bytes.subarray(start, end))
      value = JSON.parse(text)
    } catch (cause) {
      throw notDecodable(CODEC, cause instanceof SyntaxError ? cause.message : 'the bytes are not UTF-8', cause)
    }
    // Only a text with the name in it, spelled out or with escapes, can hold such a field.
    if ((text.includes('__proto__') || text.includes('\\u')) && hasProtoField(value)) {
      throw notDecodable(CODEC, 'a field named __proto__')
    }
    return value
  }

  /** Counts depth and items before anything is made of the bytes; whether they are JSON at all is for the parser. */
  private checkShape(bytes: Uint8Array, start: number, end: number): void {
    let { maxItems: items } = this.limits
    let depth = 0
    let opened = false // whether the last thing seen was an opening bracket
    for (let at = start; at < end; at++) {
      const byte = bytes[at] as number
      if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) continue
      const closes = byte === 0x5d || byte === 0x7d // ] }
      if (closes) depth--
      // The first item has no comma before it.
      if (byte === 0x2c || (opened && !closes)) items--
      opened = byte === 0x5b || byte === 0x7b // [ {
      if (opened && ++depth > this.limits.maxDepth) throw tooDeep(CODEC, this.limits, `byte ${at - start}`)
      if (byte === 0x22) at = stringEnd(bytes, at, end)
    }
    if (items < 0) throw tooManyItems(CODEC, this.limits)
  }
}

/** Index of the quote that ends the string which begins at `quote`, or `end`. */
function stringEnd(bytes: Uint8Array, quote: number, end: number): number {
  for (let at = quote + 1; at < end; at++) {
    if (bytes[at] === 0x22) return at
    if (bytes[at] === 0x5c) at++
  }
  return end
}

/** JSON.stringify writes −0 as 0: a string that occurs nowhere else in the text takes its place until the end. */
function withNegativeZero(value: unknown): string {
  const text = JSON.stringify(value)
  let mark = '-0'
  while (text.includes(`"${mark}"`)) mark += '0'
  const marked = JSON.stringify(value, (_, field: unknown) => (Object.is(field, -0) ? mark : field))
  return marked.replaceAll(`"${mark}"`, '-0')
}

function hasProtoField(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (!Array.isArray(value) && Object.hasOwn(value, '__proto__')) return true
  return Object.values(value).some(hasProtoField)
}

function unusual(value: unknown, inArray: boolean): string | undefined {
  if (typeof value === 'string') return undefined // JSON has escapes for half a surrogate pair
  if (value === undefined) return inArray ? 'undefined in an array, which JSON cannot tell from null' : undefined
  return describe(value)
}
