import { inspectFrame } from 'millrace/protocol/rsocket'
import { alteredFrames } from './altered-frames.js'
import type { Mutant } from './mutant.js'

/** Cancelling stays at home: the producer never hears of it. */
export const cancelNotSent: Mutant = {
  name: 'cancellation never sent',
  transport: transport =>
    alteredFrames(transport, () => bytes => (inspectFrame(bytes)?.type === 'CANCEL' ? [] : [bytes])),
}
