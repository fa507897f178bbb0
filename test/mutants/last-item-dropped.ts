import { inspectFrame } from 'millrace/protocol/rsocket'
import { alteredFrames } from './altered-frames.js'
import type { Mutant } from './mutant.js'

/** The item that is on its way when its side completes is lost: half-close overtakes it. */
export const lastItemDropped: Mutant = {
  name: 'last item dropped on half-close',
  transport: transport =>
    alteredFrames(transport, () => {
      const held = new Map<number, Uint8Array>()
      return bytes => {
        const frame = inspectFrame(bytes)
        if (frame?.type !== 'PAYLOAD') return [bytes]
        const before = held.get(frame.streamId)
        held.delete(frame.streamId)
        if (frame.complete && !frame.next) return [bytes]
        const released = before === undefined ? [] : [before]
        if (frame.complete) return [...released, bytes]
        held.set(frame.streamId, bytes)
        return released
      }
    }),
}
