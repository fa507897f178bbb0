import { RpcError, retrySafely } from '../../core/index.js'

/** What a call hears of the end of its connection that nothing was sent of: `error`, safe to retry. */
export function neverSent(error: RpcError): RpcError {
  if (error.retry.safe) return error
  const { code, reason, rawMessage, details, cause, hops } = error
  return new RpcError(code, rawMessage, {
    reason,
    cause,
    hops,
    retry: retrySafely,
    ...(details !== undefined && { details }),
  })
}
