import { invalidMetadata } from '../byte-reader.js'
import type { ByteWriter } from '../byte-writer.js'
import { readU24 } from '../frame.js'
import { readMimeItem, writeMimeItem } from './mime-item.js'

/** Most entries of one composite metadata. */
export const MAX_ENTRIES = 64

/** What an entry is told as; `bytes[start, end)` is its content. An entry of a type without a name is left out. */
export type EntryVisitor = (mimeType: string, bytes: Uint8Array, start: number, end: number) => void

/**
 * Tells the entries of composite metadata `bytes[start, end)` one after another: each a MIME type, a length of 24 bits, and
 * content. Throws INVALID_ARGUMENT (reason `invalid_metadata`) where it does not read.
 */
export function readEntries(bytes: Uint8Array, start: number, end: number, visit: EntryVisitor): void {
  let at = start
  for (let count = 0; at < end; count++) {
    if (count === MAX_ENTRIES) throw invalidMetadata(`more than ${MAX_ENTRIES} entries`)
    const { mimeType, end: lengthAt } = readMimeItem(bytes, at, end)
    const contentAt = lengthAt + 3
    if (contentAt > end) throw invalidMetadata('it ends early')
    at = contentAt + readU24(bytes, lengthAt)
    if (at > end) throw invalidMetadata('an entry that is longer than all of it')
    if (mimeType !== undefined) visit(mimeType, bytes, contentAt, at)
  }
}

/** Writes an entry. */
export function writeEntry(writer: ByteWriter, mimeType: string, content: Uint8Array): void {
  writeMimeItem(writer, mimeType)
  writer.u24(content.length)
  writer.raw(content)
}
