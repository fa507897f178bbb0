import { integer, having, MAX_TIMER_MS, optional, systemRuntime, type Checks, type Runtime } from '../../core/index.js'

/** What a WebSocket transport is made of wherever it runs. */
export interface WebSocketClientOptions {
  /** Longest wait for a connection to open, in ms. @default 5000 */
  readonly connectTimeoutMs?: number
  /**
   * Longest frame, sent or received, in bytes. A longer one is refused with RESOURCE_EXHAUSTED (`frame_too_large`), in
   * Node an incoming one before its body is read; a browser tells of a message only when all of it has come.
   * @default 16_777_215, the most that RSocket allows
   */
  readonly maxFrameBytes?: number
  /** Bytes accepted and not yet taken by the system above which `send` gives false. @default 262_144 */
  readonly highWaterMarkBytes?: number
  /** How long `close` waits while the peer neither takes bytes nor closes its side, in ms. @default 1000 */
  readonly closeTimeoutMs?: number
  /** Where turns and timers come from. @default systemRuntime() */
  readonly runtime?: Runtime
}

const MAX_FRAME_BYTES = 0xff_ffff

/** The checks and defaults of {@link WebSocketClientOptions}. */
export const clientChecks: Checks<Required<WebSocketClientOptions>> = {
  connectTimeoutMs: optional(integer({ min: 1, max: MAX_TIMER_MS }), 5000),
  maxFrameBytes: optional(integer({ min: 1, max: MAX_FRAME_BYTES }), MAX_FRAME_BYTES),
  highWaterMarkBytes: optional(integer({ min: 1 }), 262_144),
  closeTimeoutMs: optional(integer({ min: 1, max: MAX_TIMER_MS }), 1000),
  runtime: optional(having<Runtime>('scheduler', 'microtask'), systemRuntime()),
}
