import { RpcError } from '../core/index.js'

/**
 * The error of a message that will never be processed, however often it comes: a broker makes it a dead letter at once.
 * INVALID_ARGUMENT, reason `unprocessable`.
 *
 * ```ts
 * order$.pipe(pacedMap(order => (order.lines.length > 0 ? bill(order) : throwError(() => unprocessable('no lines')))))
 * ```
 */
export function unprocessable(message: string, cause?: unknown): RpcError {
  return new RpcError('INVALID_ARGUMENT', message, { reason: 'unprocessable', cause })
}

/** Whether what a delivery was released with is {@link unprocessable}. */
export function isUnprocessable(error: unknown): boolean {
  return RpcError.is(error) && error.reason === 'unprocessable'
}
