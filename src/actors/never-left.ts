import type { RpcError } from '../core/index.js'

/** Reasons with which calls fail at this end of a connection, or without one, as long as they say `retry.safe`. */
const BEFORE_SENDING: ReadonlySet<string> = new Set([
  'connect_failed',
  'tls_failed',
  'pool_closed',
  'connection_closed',
  'connection_draining',
  'connection_detached',
  'connection_lost',
  'no_lease',
])

/**
 * Whether the request of a call that failed has never left this process, as far as its error tells.
 *
 * An error with hops has been at a node, and one that is not safe to retry may have. `draining`, `lease_exceeded` and
 * `queue_full` are safe but do not qualify: the first two are a node's answer, and the third may be.
 */
export function neverLeft({ reason, retry, hops }: RpcError): boolean {
  return retry.safe && hops.length === 0 && BEFORE_SENDING.has(reason)
}
