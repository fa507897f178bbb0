import { inspectFrame } from 'millrace/protocol/rsocket'
import { alteredFrames } from './altered-frames.js'
import type { Mutant } from './mutant.js'

/** When a stream is cancelled, the credit of another one goes with it: the next to ask for more asks in vain, for good. */
export const creditLostOnCancel: Mutant = {
  name: 'credit lost on cancel',
  transport: transport =>
    alteredFrames(transport, () => {
      let isResumable = false
      let isLost = false
      let loser: number | undefined
      return bytes => {
        const frame = inspectFrame(bytes)
        // A session that counts its frames would notice that one is missing.
        if (frame?.resumable === true) isResumable = true
        if (isResumable || frame === undefined) return [bytes]
        if (frame.type === 'CANCEL') isLost = true
        if (frame.type !== 'REQUEST_N' || !isLost) return [bytes]
        loser ??= frame.streamId
        return frame.streamId === loser ? [] : [bytes]
      }
    }),
}
