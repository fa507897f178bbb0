import { flagBits, types } from './raw-frame.js'

const UNKNOWN_BELOW_EXT = 0x0f

/**
 * Whether the protocol leaves no choice but to end the connection that `frame` comes in on, which is set up. Written by
 * the published specification and docs/wire.md, and careful: false where it depends on more than the frame.
 */
export function isFatal(frame: Uint8Array, receiver: 'client' | 'server'): boolean {
  if (frame.length < 6) return true
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length)
  const id = view.getUint32(0)
  if (id > 0x7fff_ffff) return true
  const type = view.getUint16(4) >>> 10
  const isIgnorable = (view.getUint16(4) & flagBits.I) !== 0
  if (type === 0 || type >= UNKNOWN_BELOW_EXT) return !isIgnorable
  if (type === types.KEEPALIVE || type === types.LEASE) return id === 0 && frame.length < 14
  if (type < types.REQUEST_RESPONSE || type > types.REQUEST_CHANNEL) return false
  if (id === 0) return !isIgnorable
  return (id & 1) === (receiver === 'server' ? 0 : 1)
}

/** Whether a server must refuse a connection that begins with `frame`. */
export function isNoFirstFrame(frame: Uint8Array): boolean {
  if (frame.length < 6) return true
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length)
  const type = view.getUint16(4) >>> 10
  return view.getUint32(0) !== 0 || (type !== types.SETUP && type !== types.RESUME)
}
