import { inspectFrame } from 'millrace/protocol/rsocket'
import { alteredFrames } from './altered-frames.js'
import type { Mutant } from './mutant.js'

/** Of three hundred frames in a row, two items of one stream change places. */
export const itemsSwapped: Mutant = {
  name: 'items of a stream change places',
  transport: transport =>
    alteredFrames(transport, () => {
      let count = 0
      let held: Uint8Array | undefined
      return bytes => {
        const frame = inspectFrame(bytes)
        count++
        if (held !== undefined) {
          const before = held
          held = undefined
          return inspectFrame(before)?.streamId === frame?.streamId ? [bytes, before] : [before, bytes]
        }
        const isItem = frame?.type === 'PAYLOAD' && frame.next && !frame.complete && !frame.follows
        if (!isItem || count < 300) return [bytes]
        count = 0
        held = bytes
        return []
      }
    }),
}
