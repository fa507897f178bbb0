import { MAX_TIMER_MS, RpcError } from '../core/index.js'

/** Throws FAILED_PRECONDITION (reason `ack_not_manual`) unless events are acknowledged by hand. */
export function checkManual(manual: boolean, method: 'ack' | 'nak' | 'reject'): void {
  if (manual) return
  const message = `${method} of an event of a subscription without it: subscribe with ack: 'manual' to call it`
  throw new RpcError('FAILED_PRECONDITION', message, { reason: 'ack_not_manual' })
}

/** Throws INVALID_ARGUMENT (reason `invalid_delay`) unless a timer counts the delay of a `nak`. */
export function checkDelay(delayMs: number | undefined): void {
  if (delayMs === undefined || (delayMs >= 0 && delayMs <= MAX_TIMER_MS)) return
  const message = `nak: expected a delay of 0 to ${MAX_TIMER_MS} ms, got ${delayMs}`
  throw new RpcError('INVALID_ARGUMENT', message, { reason: 'invalid_delay' })
}

/** The error of a message whose last delivery ended without a word. */
export function notAcknowledged(attempts: number): RpcError {
  const message = `the last of ${attempts} deliveries was not acknowledged, and nobody said why`
  return new RpcError('ABORTED', message, { reason: 'not_acknowledged' })
}
