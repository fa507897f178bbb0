import * as E from 'fp-ts/lib/Either.js'
import type { Codec } from '../../codec/index.js'
import { having, type Check } from '../../core/index.js'

/** Most bytes of a MIME type: its length is one byte of the SETUP frame. */
const MAX_TYPE_BYTES = 255
const isCodec = having<Codec>('contentType', 'encode', 'decodeUnsafe')

/** A codec whose MIME type can be said in a SETUP frame: ASCII of at most 255 bytes. */
export const wireCodec: Check<Codec> = (value, name) =>
  E.flatMap(isCodec(value, name), codec =>
    isWireType(codec.contentType)
      ? E.right(codec)
      : E.left([`${name}: expected a contentType of 1–${MAX_TYPE_BYTES} ASCII characters`]),
  )

function isWireType(type: string): boolean {
  // oxlint-disable-next-line no-control-regex -- every ASCII character may be sent
  return type.length > 0 && type.length <= MAX_TYPE_BYTES && /^[\u0000-\u007f]*$/.test(type)
}
