/**
 * The layout of RSocket 1.0 frames (https://rsocket.io/about/protocol): a header of six bytes, `u32` stream id and
 * `u16` type and flags, then what the type has. Integers are big-endian.
 */

/** Frame types, as they stand in the upper six bits of the header's second field. */
export const FrameType = {
  SETUP: 0x01,
  LEASE: 0x02,
  KEEPALIVE: 0x03,
  REQUEST_RESPONSE: 0x04,
  REQUEST_FNF: 0x05,
  REQUEST_STREAM: 0x06,
  REQUEST_CHANNEL: 0x07,
  REQUEST_N: 0x08,
  CANCEL: 0x09,
  PAYLOAD: 0x0a,
  ERROR: 0x0b,
  METADATA_PUSH: 0x0c,
  RESUME: 0x0d,
  RESUME_OK: 0x0e,
  EXT: 0x3f,
} as const

/** Flags, as they stand in the lower ten bits. */
export const Flag = {
  IGNORE: 0x200,
  METADATA: 0x100,
  FOLLOWS: 0x080,
  /** On KEEPALIVE. */
  RESPOND: 0x080,
  /** On SETUP. */
  RESUME: 0x080,
  COMPLETE: 0x040,
  /** On SETUP. */
  LEASE: 0x040,
  NEXT: 0x020,
} as const

/** Codes of ERROR frames. */
export const ErrorCode = {
  INVALID_SETUP: 0x0000_0001,
  UNSUPPORTED_SETUP: 0x0000_0002,
  REJECTED_SETUP: 0x0000_0003,
  REJECTED_RESUME: 0x0000_0004,
  CONNECTION_ERROR: 0x0000_0101,
  CONNECTION_CLOSE: 0x0000_0102,
  APPLICATION_ERROR: 0x0000_0201,
  REJECTED: 0x0000_0202,
  CANCELED: 0x0000_0203,
  INVALID: 0x0000_0204,
} as const

/** Bytes of the header. */
export const HEADER_BYTES = 6
/** The largest stream id, and the request-n that stands for “without limit”. */
export const MAX_31_BITS = 0x7fff_ffff
/** Stands for “no such field” where 32 bits may follow the header. */
export const NONE = -1
/** The largest frame there can be, header included. */
export const MAX_FRAME_BYTES = 0xff_ffff

/** Reads 16 bits. */
export function readU16(bytes: Uint8Array, at: number): number {
  return (byte(bytes, at) << 8) | byte(bytes, at + 1)
}

/** Reads 24 bits. */
export function readU24(bytes: Uint8Array, at: number): number {
  return (byte(bytes, at) << 16) | (byte(bytes, at + 1) << 8) | byte(bytes, at + 2)
}

/** Reads 32 bits, unsigned. */
export function readU32(bytes: Uint8Array, at: number): number {
  return (
    ((byte(bytes, at) << 24) | (byte(bytes, at + 1) << 16) | (byte(bytes, at + 2) << 8) | byte(bytes, at + 3)) >>> 0
  )
}

/** Writes 24 bits. */
export function writeU24(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 16
  target[at + 1] = value >>> 8
  target[at + 2] = value
}

/** Writes 32 bits. */
export function writeU32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24
  target[at + 1] = value >>> 16
  target[at + 2] = value >>> 8
  target[at + 3] = value
}

// Callers check lengths; the assertion costs nothing at run time.
function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] as number
}
