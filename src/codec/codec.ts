import type { Either } from 'fp-ts/lib/Either.js'
import type { RpcError } from '../core/index.js'

/**
 * Turns values into bytes and back. A codec keeps no state between values and never runs code found in the bytes.
 *
 * 1. `decode(encode(value))` equals `value` for every value that the codec keeps (the table of docs/codecs.md); any
 *    other value is refused by `encode` with INVALID_ARGUMENT (reason `not_encodable`) that names where it is, such as
 *    `$.items[3].when`. Nothing is changed silently. A value is what its elements and its own enumerable string-named
 *    fields are; a field of `undefined` may arrive as an absent one.
 * 2. `decode` never throws, hangs or allocates more than a small multiple of its input, whatever the bytes:
 *    malformed ones are INVALID_ARGUMENT (reason `not_decodable`), over a limit RESOURCE_EXHAUSTED
 *    (reason `too_deep`, `too_large` or `too_many_items`). `encode` refuses with the same reasons what `decode` would.
 * 3. Decoding gives plain data: no prototype but `Object.prototype`, `Array.prototype` and those of documented types.
 *    A field named `__proto__` is refused both ways, for a later copy of the object would set a prototype with it.
 * 4. `undefined` as the whole value is refused both ways: a message without a body never reaches a codec.
 * 5. An encoded array is never written to again, neither by this codec nor by another one.
 */
export interface Codec {
  /** MIME type of what it writes, announced when a connection is set up. */
  readonly contentType: string
  /**
   * The bytes of `value`, preceded by `reserve` bytes (0–255) of room for a header, in one array that the caller owns;
   * what the room holds is not specified. Throws as rules 1 and 2 say.
   */
  encode(value: unknown, reserve: number): Uint8Array
  /** The value of `bytes`, or why there is none. */
  decode(bytes: Uint8Array): Either<RpcError, unknown>
  /**
   * The value of `bytes[start, end)`; throws the error that `decode` would give. For per-item loops.
   * Binary values in the result may be views of `bytes`.
   */
  decodeUnsafe(bytes: Uint8Array, start: number, end: number): unknown
}

/** Limits of a codec, the same for `encode` and `decode`; every one has an error and is listed in docs/limits.md. */
export interface CodecLimits {
  /** Most bytes of one value, encoded. @default 16_777_216 */
  readonly maxBytes: number
  /** Deepest nesting of maps and arrays; `[]` is one deep. At most 1000. @default 64 */
  readonly maxDepth: number
  /**
   * Most elements and fields of one value, counted at all levels. One byte may encode an empty object, which takes some
   * 50 bytes in memory: this bound is what keeps rule 2. @default 1_048_576
   */
  readonly maxItems: number
}
