import { retrySafely, RpcError, type Runtime } from '../core/index.js'
import type { FilteredSnapshot, LeftOut } from './selector.js'

/** Why no node of a snapshot can be picked: how many are known, which filter took how many of them, and for how long. */
export function noEndpoint({ leftOut = [], stale, asOf }: FilteredSnapshot, runtime: Runtime): RpcError {
  const now = runtime.scheduler.now()
  const taken = leftOut.map(each => takenBy(each, now))
  const known = taken.reduce((sum, { nodes }) => sum + nodes, 0)
  const message = known === 0 ? 'no node is known' : `0 of ${known} usable: ${taken.map(textOf).join(', ')}`
  const staleMs = stale && asOf > -Infinity ? Math.round(now - asOf) : undefined
  const age = staleMs === undefined ? 'has not answered yet' : `stale for ${time(staleMs)}`
  return new RpcError('UNAVAILABLE', stale ? `${message}; registry ${age}` : message, {
    reason: 'no_endpoint',
    details: { known, leftOut: taken, stale, ...(staleMs !== undefined && { staleMs }) },
    retry: retrySafely,
  })
}

/** What a filter took, as `details` tell it: JSON. */
type Taken = {
  readonly why: string
  readonly nodes: number
  /** Faults that keep a node out, of the one with the fewest and of the one with the most. */
  readonly failures?: readonly [number, number]
  /** Time until the first of them may come back, ms. */
  readonly backInMs?: number
}

function takenBy({ why, nodes, absenceOf }: LeftOut, now: number): Taken {
  let [fewest, most, backInMs] = [Infinity, 0, Infinity]
  for (const { node } of absenceOf === undefined ? [] : nodes) {
    const { failures, untilMs = Infinity } = absenceOf?.(node) ?? {}
    if (failures !== undefined) [fewest, most] = [Math.min(fewest, failures), Math.max(most, failures)]
    backInMs = Math.min(backInMs, Math.max(0, Math.round(untilMs - now)))
  }
  return {
    why,
    nodes: nodes.length,
    ...(most > 0 && { failures: [fewest, most] }),
    ...(backInMs < Infinity && { backInMs }),
  }
}

function textOf({ why, nodes, failures, backInMs }: Taken): string {
  const facts = [
    ...(failures === undefined ? [] : [countOf(failures)]),
    ...(backInMs === undefined ? [] : [`back in ${time(backInMs)}`]),
  ]
  return facts.length === 0 ? `${nodes} ${why}` : `${nodes} ${why} (${facts.join(', ')})`
}

function countOf([fewest, most]: readonly [number, number]): string {
  if (fewest < most) return `${fewest} to ${most} failures`
  return most === 1 ? '1 failure' : `${most} failures`
}

function time(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${Math.round(ms / 1000)} s`
}
