import { invalidMetadata } from '../byte-reader.js'
import type { ByteWriter } from '../byte-writer.js'
import { mimeIdOf, mimeTypeOf } from './mime-types.js'

/** Longest MIME type that is spelled out, in bytes. */
export const MAX_MIME_BYTES = 128

const NUMBERED = 0x80

/** A MIME type as read, and where it ends. */
export interface MimeItem {
  /** The type; `undefined` for a number that nobody has given out. */
  readonly mimeType: string | undefined
  /** Index behind it. */
  readonly end: number
}

/**
 * Reads a MIME type at `at`: a byte with its number and the top bit set, or a byte with its length less one and its ASCII
 * text. Throws INVALID_ARGUMENT (reason `invalid_metadata`).
 */
export function readMimeItem(bytes: Uint8Array, at: number, limit: number): MimeItem {
  const head = at < limit ? (bytes[at] as number) : -1
  if (head < 0) throw invalidMetadata('it ends early')
  if ((head & NUMBERED) !== 0) return { mimeType: mimeTypeOf(head & 0x7f), end: at + 1 }
  const end = at + 2 + head
  if (end > limit) throw invalidMetadata('it ends within a MIME type')
  let mimeType = ''
  for (let index = at + 1; index < end; index++) {
    const byte = bytes[index] as number
    if (byte > 0x7f) throw invalidMetadata('a MIME type that is not ASCII')
    mimeType += String.fromCharCode(byte)
  }
  return { mimeType, end }
}

/** Writes a MIME type as {@link readMimeItem} reads it; one that is spelled out has 1 to 128 ASCII characters. */
export function writeMimeItem(writer: ByteWriter, mimeType: string): void {
  const id = mimeIdOf(mimeType)
  if (id !== undefined) {
    writer.byte(NUMBERED | id)
    return
  }
  if (!/^[\x21-\x7e]{1,128}$/.test(mimeType)) throw invalidMetadata(`MIME type ${JSON.stringify(mimeType)}`)
  writer.byte(mimeType.length - 1)
  for (let index = 0; index < mimeType.length; index++) writer.byte(mimeType.charCodeAt(index))
}
