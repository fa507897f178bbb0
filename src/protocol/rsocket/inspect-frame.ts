import { Flag, FrameType, HEADER_BYTES, MAX_31_BITS, readU16, readU32 } from './frame.js'

/** What the first bytes of a frame say: for logs, probes and tests. */
export interface FrameSummary {
  /** The stream it belongs to; 0 is the connection. */
  readonly streamId: number
  /** Its type by name, as RSocket has it; `UNKNOWN` for one that RSocket has not. */
  readonly type: keyof typeof FrameType | 'UNKNOWN'
  /** Whether it carries an item, or the first part of one. */
  readonly next: boolean
  /** Whether it ends what its sender has to say on the stream. */
  readonly complete: boolean
  /** Whether the next frame of the stream in this direction goes on where this one ends. */
  readonly follows: boolean
  /** Whether it begins or takes up a session that outlives its connection. */
  readonly resumable: boolean
  /** How many items it asks for; `undefined` for frames that ask for none. */
  readonly requestN: number | undefined
}

const typeNames = new Map(Object.entries(FrameType).map(([name, type]) => [type, name as keyof typeof FrameType]))

/** Reads the header of a whole frame, without its length; `undefined` when it is too short to be one. */
export function inspectFrame(bytes: Uint8Array): FrameSummary | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  const typeAndFlags = readU16(bytes, 4)
  const type = typeNames.get((typeAndFlags >>> 10) as never) ?? 'UNKNOWN'
  const has = (flag: number): boolean => (typeAndFlags & flag) !== 0
  const carries = type === 'PAYLOAD' || type === 'REQUEST_CHANNEL'
  return {
    streamId: readU32(bytes, 0) & MAX_31_BITS,
    type,
    next: type === 'PAYLOAD' && has(Flag.NEXT),
    complete: carries && has(Flag.COMPLETE),
    follows: (carries || type.startsWith('REQUEST_')) && type !== 'REQUEST_N' && has(Flag.FOLLOWS),
    resumable: type === 'RESUME' || (type === 'SETUP' && has(Flag.RESUME)),
    requestN: asks(type) && bytes.length >= HEADER_BYTES + 4 ? readU32(bytes, HEADER_BYTES) : undefined,
  }
}

function asks(type: FrameSummary['type']): boolean {
  return type === 'REQUEST_N' || type === 'REQUEST_STREAM' || type === 'REQUEST_CHANNEL'
}
