import { invalidMetadata } from '../byte-reader.js'

const utf8 = new TextEncoder()
const fromUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Most bytes of a tag. */
export const MAX_TAG_BYTES = 255

/**
 * The first of the tags `bytes[start, end)`, which is the route: a byte of length and UTF-8. The others are passed over.
 * Throws INVALID_ARGUMENT (reason `invalid_metadata`) when there is none, or the bytes are no tags.
 */
export function readRoute(bytes: Uint8Array, start: number, end: number): string {
  const length = start < end ? (bytes[start] as number) : 0
  if (length === 0) throw invalidMetadata('an empty route')
  for (let at = start; at < end;) {
    at += 1 + (bytes[at] as number)
    if (at > end) throw invalidMetadata('it ends within a tag')
  }
  try {
    return fromUtf8.decode(bytes.subarray(start + 1, start + 1 + length))
  } catch {
    throw invalidMetadata('a route that is not UTF-8')
  }
}

/** Routing metadata with one tag. */
export function routeTag(route: string): Uint8Array {
  const tag = utf8.encode(route)
  if (tag.length === 0 || tag.length > MAX_TAG_BYTES) {
    throw invalidMetadata(`the route ${JSON.stringify(route)} of ${tag.length} bytes, at most ${MAX_TAG_BYTES}`)
  }
  const bytes = new Uint8Array(1 + tag.length)
  bytes[0] = tag.length
  bytes.set(tag, 1)
  return bytes
}
