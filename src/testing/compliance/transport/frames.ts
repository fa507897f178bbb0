import type { Socket } from '../../../transport/index.js'

/** Sends a frame with these bytes. */
export function sendBytes(socket: Socket, bytes: Uint8Array): boolean {
  return socket.send(bytes.length, (target, offset) => target.set(bytes, offset))
}

/** Sends a frame of `length` bytes that begins with `value` as four bytes. */
export function sendNumber(socket: Socket, value: number, length = 4): boolean {
  return socket.send(length, (target, offset) => {
    target.fill(value & 0xff, offset, offset + length)
    new DataView(target.buffer, target.byteOffset + offset).setUint32(0, value)
  })
}

/** `length` bytes that differ from place to place. */
export function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >>> 8)) & 0xff)
}

/** 0, 1, 2 … `count - 1`. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}
