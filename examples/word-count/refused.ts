import { type Json, RpcError } from 'millrace'

const reasons = ['line_too_long', 'not_utf8', 'unreadable'] as const

/** Why a file is refused: `unreadable` when it cannot be opened or read. */
export type RefusedReason = (typeof reasons)[number]

/** Refuses a file, before its first line. */
export function refused(reason: RefusedReason, message: string, details?: Json): RpcError {
  return new RpcError('INVALID_ARGUMENT', message, { reason, ...(details !== undefined && { details }) })
}

/** Whether an error refuses a file, so that the others are not affected. */
export function isRefused(error: unknown): error is RpcError {
  return RpcError.is(error) && (reasons as readonly string[]).includes(error.reason)
}
