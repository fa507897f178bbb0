import { inspectFrame } from 'millrace/protocol/rsocket'
import { alteredFrames } from './altered-frames.js'
import type { Mutant } from './mutant.js'

/** The first item after a session has been taken up again is sent twice. */
export const frameRepeatedAfterResume: Mutant = {
  name: 'item repeated after resume',
  transport: transport =>
    alteredFrames(transport, () => {
      let isResumed = false
      return bytes => {
        const frame = inspectFrame(bytes)
        if (frame?.type === 'RESUME' || frame?.type === 'RESUME_OK') isResumed = true
        if (!isResumed || frame?.type !== 'PAYLOAD' || !frame.next) return [bytes]
        isResumed = false
        return [bytes, bytes]
      }
    }),
}
