import { Flag, FrameType, readU32, writeU32 } from './frame.js'
import type { Multiplexer } from './multiplexer.js'

/**
 * Bytes of data from which on an item is large: its sender is told when it was consumed. Smaller ones are bounded well by
 * their number.
 */
export const LARGE_ITEM_BYTES = 16_384

/** Extended type of the EXT frame that says how many bytes of large items were consumed; others ignore it. */
const CONSUMED_BYTES = 0x6d72_6362

/**
 * What to do when an item of so many bytes has been consumed: `consume`, which says whether its stream still counts, and for
 * a large item of a millrace peer telling it the bytes. REQUEST_N tells a number only, and items are consumed in any
 * order.
 */
export function consumption(
  { sender, metadata }: Multiplexer,
  streamId: number,
  bytes: number,
  consume: () => boolean,
): () => void {
  if (bytes < LARGE_ITEM_BYTES || metadata.foreign) return consume
  return () => {
    if (!consume()) return
    const data = new Uint8Array(4)
    writeU32(data, 0, bytes)
    sender.send(streamId, FrameType.EXT, Flag.IGNORE, CONSUMED_BYTES, undefined, data)
  }
}

/** The bytes that the body `bytes[start, end)` of an EXT frame tells; `undefined` when it tells something else. */
export function readConsumedBytes(bytes: Uint8Array, start: number, end: number): number | undefined {
  return end - start >= 8 && readU32(bytes, start) === CONSUMED_BYTES ? readU32(bytes, start + 4) : undefined
}
