import type { Outcome } from './selector.js'

const FAULTS: ReadonlySet<string> = new Set(['UNKNOWN', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'DEADLINE_EXCEEDED'])

/** What has such a code, though nothing has reached the node. */
const NOT_SENT: ReadonlySet<string> = new Set(['expired_before_send', 'connection_draining'])

/**
 * Whether an outcome speaks against the node. What callers do wrong (INVALID_ARGUMENT, NOT_FOUND, PERMISSION_DENIED…)
 * never does, or bad requests would empty a cluster; nor does RESOURCE_EXHAUSTED: who puts out nodes that are busy has
 * fewer left for the same load.
 */
export function isNodeFault({ result, reason }: Outcome): boolean {
  return FAULTS.has(result) && (reason === undefined || !NOT_SENT.has(reason))
}
