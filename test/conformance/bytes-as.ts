import { bytes, type Codec } from 'millrace/codec'

/** A codec of bytes as they are, under another MIME type. */
export function bytesAs(contentType: string): Codec {
  const codec = bytes()
  return {
    contentType,
    encode: (value, reserve) => codec.encode(value, reserve),
    decode: encoded => codec.decode(encoded),
    decodeUnsafe: (encoded, start, end) => codec.decodeUnsafe(encoded, start, end),
  }
}
