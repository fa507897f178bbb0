import type { Socket } from 'node:net'
import { u24 } from './raw-frame.js'

const PREFIX_BYTES = 3

/** Calls `onFrame` with each frame that arrives on `socket`. */
export function readFrames(socket: Socket, onFrame: (frame: Uint8Array) => void): void {
  let waiting: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk])
    let at = 0
    while (at + PREFIX_BYTES <= waiting.length) {
      const end = at + PREFIX_BYTES + waiting.readUIntBE(at, PREFIX_BYTES)
      if (end > waiting.length) break
      onFrame(waiting.subarray(at + PREFIX_BYTES, end))
      at = end
    }
    waiting = waiting.subarray(at)
  })
}

/** A frame with its length before it. */
export function prefixed(frame: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.from(u24(frame.length)), frame])
}
