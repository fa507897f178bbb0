import { integer, MAX_TIMER_MS, optional, resolveOptions, type Log, type Runtime } from '../../../core/index.js'

/** How sessions outlive the loss of their network connection. */
export interface ResumeOptions {
  /** How long a session waits for a new network connection after the loss of one, ms, ≤ 2_147_483_647. @default 120_000 */
  readonly sessionMs?: number
  /**
   * Bytes of frames that are kept because the peer has not acknowledged them, at least 262_144. From half of it on streams
   * wait; beyond it the session is resumed no more and the next loss ends it. @default 16_777_216
   */
  readonly maxRetainedBytes?: number
  /** How long after a loss new calls wait; later ones are refused, safe to retry, ms. @default 5_000 */
  readonly maxWaitMs?: number
  /** Sessions of a server that wait for their client; the one that waits longest ends first. @default 1_000 */
  readonly maxDetached?: number
  /** Bytes that the waiting sessions of a server retain; the one that waits longest ends first. @default 268_435_456 */
  readonly maxDetachedBytes?: number
}

/** Fills and checks the options; INVALID_ARGUMENT lists every fault. */
export function resolveResumeOptions(options: ResumeOptions): Required<ResumeOptions> {
  return resolveOptions<Required<ResumeOptions>>(
    'resume of rsocket',
    {
      sessionMs: optional(integer({ min: 1, max: MAX_TIMER_MS }), 120_000),
      maxRetainedBytes: optional(integer({ min: MIN_RETAINED_BYTES }), 16_777_216),
      maxWaitMs: optional(integer({ min: 0, max: MAX_TIMER_MS }), 5_000),
      maxDetached: optional(integer({ min: 0, max: Infinity }), 1_000),
      maxDetachedBytes: optional(integer({ min: 0, max: Infinity }), 268_435_456),
    },
    options,
  )
}

/** What a session is made of. */
export interface SessionContext extends Required<ResumeOptions> {
  /** Time for the answer to RESUME, ms. */
  readonly answerTimeoutMs: number
  /** Time and chance. */
  readonly runtime: Runtime
  /** Where losses and resumptions are reported. */
  readonly log: Log
}

/** Streams wait at half of it, and a peer acknowledges every quarter of the least of it. */
const MIN_RETAINED_BYTES = 262_144
