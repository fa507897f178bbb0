import * as E from 'fp-ts/lib/Either.js'
import type { RpcError } from '../core/index.js'
import { notEncodable, tooLarge } from './codec-errors.js'
import { resolveCodecLimits } from './codec-limits.js'
import type { Codec, CodecLimits } from './codec.js'
import { describe } from './plain-data.js'

/** Bytes as they are: values are `Uint8Array` and nothing else. Decoded values are views of what was received. */
export function bytes(limits?: Partial<Pick<CodecLimits, 'maxBytes'>>): Codec {
  return new BytesCodec(resolveCodecLimits(CODEC, limits))
}

const CODEC = 'bytes'

class BytesCodec implements Codec {
  readonly contentType = 'application/octet-stream'
  private readonly limits: CodecLimits

  constructor(limits: CodecLimits) {
    this.limits = limits
  }

  encode(value: unknown, reserve: number): Uint8Array {
    if (!(value instanceof Uint8Array)) throw notEncodable(CODEC, '$', describe(value))
    this.checkLength(value.length)
    const encoded = new Uint8Array(reserve + value.length)
    encoded.set(value, reserve)
    return encoded
  }

  decode(encoded: Uint8Array): E.Either<RpcError, unknown> {
    return E.tryCatch(
      () => this.decodeUnsafe(encoded, 0, encoded.length),
      error => error as RpcError,
    )
  }

  decodeUnsafe(encoded: Uint8Array, start: number, end: number): unknown {
    this.checkLength(end - start)
    // Not subarray: of a Buffer it would be a Buffer.
    return new Uint8Array(encoded.buffer, encoded.byteOffset + start, end - start)
  }

  private checkLength(length: number): void {
    if (length > this.limits.maxBytes) throw tooLarge(CODEC, this.limits, length)
  }
}
