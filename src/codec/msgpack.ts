import * as E from 'fp-ts/lib/Either.js'
import { Packr, RESERVE_START_SPACE, REUSE_BUFFER_MODE } from 'msgpackr/pack'
import type { RpcError } from '../core/index.js'
import { tooLarge } from './codec-errors.js'
import { resolveCodecLimits } from './codec-limits.js'
import type { Codec, CodecLimits } from './codec.js'
import { MessagePackReader } from './messagepack-reader.js'
import { describe, PlainDataCheck } from './plain-data.js'

/**
 * Standard MessagePack, the default codec: compact, readable by other languages, keeps binary, dates and 64-bit
 * integers. The table of what it keeps is in docs/codecs.md, why it reads with a reader of its own in
 * docs/decisions/0005-msgpackr-writes-we-read.md.
 */
export function msgpack(limits?: Partial<CodecLimits>): Codec {
  return new MessagePackCodec(resolveCodecLimits(CODEC, limits))
}

const CODEC = 'msgpack'
/** Room for many values, as each needs three bytes a character while it is written; one that is kept keeps all alive. */
const ARENA_BYTES = 65_536
/** As much as msgpackr itself allocates at a time. */
const UNUSED_BYTES = 8192

type Arena = Uint8Array & { start?: number; end?: number }

class MessagePackCodec implements Codec {
  readonly contentType = 'application/msgpack'
  private readonly limits: CodecLimits
  private readonly plain: PlainDataCheck
  private readonly reader: MessagePackReader
  private readonly packr: Packr
  private readonly unused: Arena
  private arena: Arena
  private used: number
  private packing: boolean

  constructor(limits: CodecLimits) {
    this.limits = limits
    this.plain = new PlainDataCheck(CODEC, limits, unusual)
    this.reader = new MessagePackReader(limits)
    this.packr = new Packr({ useRecords: false, variableMapSize: true, useToJSON: false })
    this.unused = allocate(UNUSED_BYTES)
    this.arena = allocate(ARENA_BYTES)
    this.used = 0
    this.packing = false
  }

  encode(value: unknown, reserve: number): Uint8Array {
    this.plain.run(value)
    const bytes = this.plain.hasNegativeZero
      ? this.pieces(value, reserve)
      : this.pack(value, reserve, this.plain.leastBytes)
    const length = bytes.length - reserve
    if (length > this.limits.maxBytes) throw tooLarge(CODEC, this.limits, length)
    return bytes
  }

  decode(bytes: Uint8Array): E.Either<RpcError, unknown> {
    return E.tryCatch(
      () => this.decodeUnsafe(bytes, 0, bytes.length),
      error => error as RpcError,
    )
  }

  decodeUnsafe(bytes: Uint8Array, start: number, end: number): unknown {
    return this.reader.read(bytes, start, end)
  }

  /**
   * Where msgpackr writes is one variable for the whole process, so any code that uses it could write over our bytes,
   * or we over its. We therefore bring our own arena for each value, and leave behind a buffer that is never written.
   */
  private pack(value: unknown, reserve: number, leastBytes = 0): Uint8Array {
    const { packr } = this
    // A long value gets an arena of its own that is long enough, unless it is of text: growing copies all of it.
    const own = leastBytes > ARENA_BYTES ? allocate(leastBytes + ARENA_BYTES) : undefined
    // Called by a getter of the value that is being packed: msgpackr saves its own state, ours must not change.
    if (this.packing) return packr.pack(value, RESERVE_START_SPACE | reserve)
    this.packing = true
    packr.useBuffer(own ?? this.arena)
    packr.position = own === undefined ? this.used : 0
    try {
      const target: Arena = packr.pack(value, RESERVE_START_SPACE | REUSE_BUFFER_MODE | reserve)
      const { start = 0, end = 0 } = target
      if (target === own) return new Uint8Array(target.buffer, target.byteOffset + start, end - start)
      // A value that outgrew the arena sits in a buffer up to four times its size: keep the value only.
      if (target.length !== ARENA_BYTES) return new Uint8Array(target.subarray(start, end))
      this.arena = target
      this.used = end
      return new Uint8Array(target.buffer, target.byteOffset + start, end - start)
    } finally {
      packr.useBuffer(this.unused)
      packr.position = UNUSED_BYTES // full, so whoever packs next gets a new buffer
      this.packing = false
    }
  }

  /** msgpackr writes −0 as 0; a value that holds one is put together around it. */
  private pieces(value: unknown, reserve: number): Uint8Array {
    const parts: Uint8Array[] = [new Uint8Array(reserve)]
    this.addPieces(value, parts)
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
    let at = 0
    for (const part of parts) {
      bytes.set(part, at)
      at += part.length
    }
    return bytes
  }

  private addPieces(value: unknown, parts: Uint8Array[]): void {
    if (Object.is(value, -0)) parts.push(NEGATIVE_ZERO)
    else if (Array.isArray(value)) {
      parts.push(heading(0x90, 0xdc, value.length))
      for (const element of value) this.addPieces(element, parts)
    } else if (isFields(value)) {
      const names = Object.keys(value)
      parts.push(heading(0x80, 0xde, names.length))
      for (const name of names) {
        parts.push(this.pack(name, 0))
        this.addPieces(value[name], parts)
      }
    } else parts.push(this.pack(value, 0))
  }
}

const NEGATIVE_ZERO = Uint8Array.of(0xcb, 0x80, 0, 0, 0, 0, 0, 0, 0)

/** The first bytes of a map or array: one with the length in it, or `long` and two of length, or `long + 1` and four. */
function heading(short: number, long: number, length: number): Uint8Array {
  if (length < 0x10) return Uint8Array.of(short | length)
  if (length < 0x1_0000) return Uint8Array.of(long, length >> 8, length)
  return Uint8Array.of(long + 1, length >>> 24, length >> 16, length >> 8, length)
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !(value instanceof Date) && !(value instanceof Uint8Array)
}

function unusual(value: unknown): string | undefined {
  if (value === undefined || typeof value === 'number' || value instanceof Uint8Array) return undefined
  if (value instanceof Date && Object.getPrototypeOf(value) === Date.prototype) {
    return Number.isNaN(value.getTime()) ? 'an invalid date' : undefined
  }
  if (typeof value === 'bigint') {
    return value === BigInt.asIntN(64, value) || value === BigInt.asUintN(64, value)
      ? undefined
      : 'a bigint of more than 64 bits'
  }
  return describe(value)
}

/** msgpackr wants a Buffer where there is one. */
function allocate(length: number): Arena {
  return typeof Buffer === 'undefined' ? new Uint8Array(length) : Buffer.allocUnsafeSlow(length)
}
