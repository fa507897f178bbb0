import type { Transport } from 'millrace/transport'
import { altered, membersOf } from '../support/altered-sockets.js'

/** Gives the frames that are sent instead of one. */
export type AlterFrame = (bytes: Uint8Array) => readonly Uint8Array[]

/** `transport` whose sockets, at both ends, send other frames; each socket has an `AlterFrame` of its own. */
export function alteredFrames(transport: Transport, alter: () => AlterFrame): Transport {
  return altered(transport, socket => {
    const alterFrame = alter()
    return {
      ...membersOf(socket),
      send: (length, write) => {
        const bytes = new Uint8Array(length)
        write(bytes, 0)
        return alterFrame(bytes)
          .map(frame => socket.send(frame.length, (target, offset) => target.set(frame, offset)))
          .every(Boolean)
      },
    }
  })
}
