import type { Either } from 'fp-ts/lib/Either.js'
import type { RpcError } from '../core/index.js'

/**
 * Turns values into bytes and back. A codec keeps no state between values and never runs code found in the bytes.
 *
 * 1. `decode(encode(value))` equals `value` for every value that the codec keeps; a value that it cannot keep is
 *    refused by `encode` with INVALID_ARGUMENT (reason `not_encodable`) that names where in the value it is.
 *    Nothing is changed silently.
 * 2. `decode` never throws, hangs or allocates more than a small multiple of its input, whatever the bytes:
 *    malformed ones are INVALID_ARGUMENT (reason `not_decodable`), over a limit RESOURCE_EXHAUSTED
 *    (reason `too_deep` or `too_large`).
 * 3. Decoding gives plain data: no prototype but `Object.prototype`, `Array.prototype` and those of documented types.
 */
export interface Codec {
  /** MIME type of what it writes, announced when a connection is set up. */
  readonly contentType: string
  /**
   * The bytes of `value`, preceded by `reserve` bytes (0–255) of room for a header, in one array that the caller owns.
   * Throws as rule 1 says.
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

/** Limits of a codec; every one has an error and is listed in docs/limits.md. */
export interface CodecLimits {
  /** Most bytes of one value, encoded. @default 16_777_216 */
  readonly maxBytes: number
  /** Deepest nesting of maps and arrays. @default 64 */
  readonly maxDepth: number
}
