import { having, integer, MAX_TIMER_MS, optional, systemRuntime, type Checks, type Runtime } from '../core/index.js'

/** What a transport over stream sockets of the system is made of, whichever they are. */
export interface StreamSocketOptions {
  /** Longest wait for a connection to open, a handshake included, in ms. @default 5000 */
  readonly connectTimeoutMs?: number
  /**
   * Longest frame, sent or received, in bytes. A longer one is refused with RESOURCE_EXHAUSTED (`frame_too_large`),
   * an incoming one before its body is read.
   * @default 16_777_215, the most that the three bytes of its length can say
   */
  readonly maxFrameBytes?: number
  /** Bytes accepted and not yet taken by the system above which `send` gives false. @default 262_144 */
  readonly highWaterMarkBytes?: number
  /**
   * Frames that are written at once without waiting for the end of the turn: the peer starts on the first while the
   * rest is being made, and fewer writes would not be cheaper.
   * @default 32
   */
  readonly flushFrames?: number
  /** How long `close` waits while the peer neither takes bytes nor closes its side, in ms. @default 1000 */
  readonly closeTimeoutMs?: number
  /** Where turns and timers come from. @default systemRuntime() */
  readonly runtime?: Runtime
}

const MAX_FRAME_BYTES = 0xff_ffff

/** The checks and defaults of {@link StreamSocketOptions}. */
export const streamSocketChecks: Checks<Required<StreamSocketOptions>> = {
  connectTimeoutMs: optional(integer({ min: 1, max: MAX_TIMER_MS }), 5000),
  maxFrameBytes: optional(integer({ min: 1, max: MAX_FRAME_BYTES }), MAX_FRAME_BYTES),
  highWaterMarkBytes: optional(integer({ min: 1 }), 262_144),
  flushFrames: optional(integer({ min: 1 }), 32),
  closeTimeoutMs: optional(integer({ min: 1, max: MAX_TIMER_MS }), 1000),
  runtime: optional(having<Runtime>('scheduler', 'microtask', 'macrotask'), systemRuntime()),
}
