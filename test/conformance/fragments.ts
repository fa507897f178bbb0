import type { FrameParts } from '../support/raw-frame.js'

const utf8 = new TextEncoder()

/**
 * A frame in fragments that carry at most `size` bytes of metadata and data each: metadata first, and data in the
 * fragment where it ends. `next` are the flags of those that follow; N unless told otherwise.
 */
export function fragmentsOf(frame: FrameParts, size: number, next = 'N'): FrameParts[] {
  const { metadata, data = '', flags = '', word, ...head } = frame
  const bytes = typeof data === 'string' ? utf8.encode(data) : data
  const metadataBytes = metadata?.length ?? 0
  const total = metadataBytes + bytes.length
  const last = flags.includes('C') && head.type === 'PAYLOAD' ? 'C' : ''
  const fragments: FrameParts[] = []
  for (let at = 0; at < total || at === 0; at += size) {
    const isFirst = at === 0
    const isLast = at + size >= total
    const ownFlags = isFirst ? flags.replace(last, '') : next
    fragments.push({
      type: isFirst ? head.type : 'PAYLOAD',
      id: head.id ?? 0,
      flags: ownFlags + (isLast ? last : 'F'),
      ...(isFirst && word !== undefined && { word }),
      ...(metadata !== undefined && at < metadataBytes && { metadata: metadata.subarray(at, at + size) }),
      data: bytes.subarray(Math.max(0, at - metadataBytes), Math.max(0, at + size - metadataBytes)),
    })
  }
  return fragments
}
