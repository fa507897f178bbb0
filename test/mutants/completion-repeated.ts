import { inspectFrame } from 'millrace/protocol/rsocket'
import { alteredFrames } from './altered-frames.js'
import type { Mutant } from './mutant.js'

/** A stream that ends says so twice. */
export const completionRepeated: Mutant = {
  name: 'stream completed twice',
  transport: transport =>
    alteredFrames(transport, () => bytes => {
      const frame = inspectFrame(bytes)
      return frame?.type === 'PAYLOAD' && frame.complete && !frame.next ? [bytes, bytes] : [bytes]
    }),
}
