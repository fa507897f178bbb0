import { inspectFrame } from 'millrace/protocol/rsocket'
import { alteredFrames } from './altered-frames.js'
import type { Mutant } from './mutant.js'

/** Every REQUEST_N is sent twice. */
export const creditReturnedTwice: Mutant = {
  name: 'credit returned twice',
  transport: transport =>
    alteredFrames(transport, () => bytes => (inspectFrame(bytes)?.type === 'REQUEST_N' ? [bytes, bytes] : [bytes])),
}
