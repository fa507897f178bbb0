import { retrySafely, RpcError, type Runtime } from '../core/index.js'
import type { FilteredSnapshot } from './selector.js'

/** Why no node of a snapshot can be picked: how many are known, and which filter took how many of them. */
export function noEndpoint({ leftOut = [], stale, asOf }: FilteredSnapshot, runtime: Runtime): RpcError {
  const known = leftOut.reduce((sum, { nodes }) => sum + nodes, 0)
  const numbers = leftOut.map(({ nodes, why }) => `${nodes} ${why}`).join(', ')
  const age = stale ? `; the registry fails, its last word is ${Math.round(runtime.scheduler.now() - asOf)} ms old` : ''
  const message = known === 0 ? 'no node is known' : `0 of ${known} nodes usable: ${numbers}`
  return new RpcError('UNAVAILABLE', message + age, {
    reason: 'no_endpoint',
    details: { known, leftOut: leftOut.map(({ why, nodes }) => ({ why, nodes })), stale },
    retry: retrySafely,
  })
}
