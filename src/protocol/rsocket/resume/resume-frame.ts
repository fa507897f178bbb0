import { RpcError } from '../../../core/index.js'
import { FrameType, HEADER_BYTES, readU16, readU32, writeU32 } from '../frame.js'
import { VERSION } from '../setup.js'

/** What a client says to go on with a session. */
export interface ResumeRequest {
  /** The token of SETUP. */
  readonly token: Uint8Array
  /** Bytes that the client has received. */
  readonly serverPosition: number
  /** First byte that the client can still send again. */
  readonly clientPosition: number
}

const POSITION_BYTES = 8
const TWO_32 = 0x1_0000_0000

/** The frame that asks to go on with a session. */
export function resumeFrame({ token, serverPosition, clientPosition }: ResumeRequest): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + 6 + token.length + 2 * POSITION_BYTES)
  const at = writeHeader(frame, FrameType.RESUME, 0)
  writeU32(frame, at, VERSION)
  frame[at + 4] = token.length >>> 8
  frame[at + 5] = token.length
  frame.set(token, at + 6)
  writePosition(frame, at + 6 + token.length, serverPosition)
  writePosition(frame, at + 6 + token.length + POSITION_BYTES, clientPosition)
  return frame
}

/** Reads a RESUME frame. Throws UNAVAILABLE (reason `resume_rejected`) with what is wrong. */
export function readResume(bytes: Uint8Array, start: number, end: number): ResumeRequest {
  const at = start + HEADER_BYTES
  if (end < at + 6) throw resumeRefused('it ends early')
  const version = readU32(bytes, at)
  if (version !== VERSION) throw resumeRefused(`version ${version >>> 16}.${version & 0xffff}, this is 1.0`)
  const tokenEnd = at + 6 + readU16(bytes, at + 4)
  if (end < tokenEnd + 2 * POSITION_BYTES) throw resumeRefused('it ends early')
  return {
    token: bytes.slice(at + 6, tokenEnd),
    serverPosition: readPosition(bytes, tokenEnd),
    clientPosition: readPosition(bytes, tokenEnd + POSITION_BYTES),
  }
}

/** The frame that says that a session goes on, and how many bytes of it have arrived. */
export function resumeOkFrame(position: number): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + POSITION_BYTES)
  writePosition(frame, writeHeader(frame, FrameType.RESUME_OK, 0), position)
  return frame
}

/** A KEEPALIVE frame that says how many bytes have arrived. */
export function keepaliveFrame(flags: number, position: number): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + POSITION_BYTES)
  writePosition(frame, writeHeader(frame, FrameType.KEEPALIVE, flags), position)
  return frame
}

/** An ERROR frame on the connection. */
export function connectionErrorFrame(code: number, error: RpcError): Uint8Array {
  const data = new TextEncoder().encode(JSON.stringify(error))
  const frame = new Uint8Array(HEADER_BYTES + 4 + data.length)
  const at = writeHeader(frame, FrameType.ERROR, 0)
  writeU32(frame, at, code)
  frame.set(data, at + 4)
  return frame
}

/** Whether `[start, end)` has room for a position after the header. */
export function hasPosition(start: number, end: number): boolean {
  return end - start >= HEADER_BYTES + POSITION_BYTES
}

/** Reads 63 bits; what no double counts exactly is more than anybody has sent. */
export function readPosition(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at) * TWO_32 + readU32(bytes, at + 4)
}

/** Writes 63 bits. */
export function writePosition(target: Uint8Array, at: number, position: number): void {
  writeU32(target, at, Math.floor(position / TWO_32))
  writeU32(target, at + 4, position >>> 0)
}

/** Why a server does not go on with a session. */
export function resumeRefused(what: string): RpcError {
  return new RpcError('UNAVAILABLE', `RESUME: ${what}`, { reason: 'resume_rejected' })
}

function writeHeader(frame: Uint8Array, type: number, flags: number): number {
  frame[4] = (type << 2) | (flags >>> 8)
  frame[5] = flags
  return HEADER_BYTES
}
