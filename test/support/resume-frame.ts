import { frameBytes, joined, readFrame, u32, u64 } from './raw-frame.js'

const utf8 = new TextEncoder()

/** What a RESUME frame says. */
export interface ResumeParts {
  readonly token?: string | Uint8Array
  readonly version?: number
  /** Bytes that the client has received. */
  readonly received?: number
  /** First byte that the client retains. */
  readonly retained?: number
  /** Bytes that are cut off at the end. */
  readonly cut?: number
}

/** The bytes of a RESUME frame. */
export function resumeFrame({
  token = 'tok',
  version = 0x1_0000,
  received = 0,
  retained = 0,
  cut = 0,
}: ResumeParts): Uint8Array {
  const name = typeof token === 'string' ? utf8.encode(token) : token
  const data = joined(u32(version), [0, name.length], name, u64(received), u64(retained))
  return frameBytes({ type: 'RESUME', data: data.subarray(0, data.length - cut) })
}

/** The bytes of a KEEPALIVE frame that says how much has been received. */
export function keepaliveFrame(position: number, flags = ''): Uint8Array {
  return frameBytes({ type: 'KEEPALIVE', flags, data: joined(u64(position)) })
}

/** Bytes of the frames of streams among these, which is what positions count. */
export function streamBytes(frames: readonly Uint8Array[]): number {
  return frames.reduce((bytes, frame) => bytes + (readFrame(frame).id === 0 ? 0 : frame.length), 0)
}
