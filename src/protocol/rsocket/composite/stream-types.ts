import { invalidMetadata } from '../byte-reader.js'
import { readMimeItem } from './mime-item.js'

/** Most types of replies that a request may list. */
export const MAX_ACCEPT_TYPES = 32

/** The one MIME type `bytes[start, end)`; one that nobody has given a number to stays a number. */
export function readStreamType(bytes: Uint8Array, start: number, end: number): string {
  const { mimeType, end: itemEnd } = readMimeItem(bytes, start, end)
  if (itemEnd !== end) throw invalidMetadata('more than one MIME type of a request')
  return mimeType ?? unnamed(bytes, start)
}

/** The MIME types `bytes[start, end)`. */
export function readAcceptTypes(bytes: Uint8Array, start: number, end: number): string[] {
  const types: string[] = []
  for (let at = start; at < end;) {
    if (types.length === MAX_ACCEPT_TYPES) throw invalidMetadata(`more than ${MAX_ACCEPT_TYPES} MIME types of replies`)
    const item = readMimeItem(bytes, at, end)
    types.push(item.mimeType ?? unnamed(bytes, at))
    at = item.end
  }
  return types
}

function unnamed(bytes: Uint8Array, at: number): string {
  return `0x${(bytes[at] as number).toString(16)}`
}
