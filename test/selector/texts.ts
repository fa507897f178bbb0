import type { Snapshot } from 'millrace/registry'
import type { Outcome } from 'millrace/selector'
import { idsOf, nodeOf, serviceOf, snapshotOf } from './snapshots.js'

/** Reasons of calls that a node has not taken. */
const REASONS: { readonly [end: string]: string } = { refused: 'connect_failed', drains: 'draining' }

// What lanes of selectors are made of: texts, which a diagram can show.

/**
 * The snapshot that a text tells: ids of nodes or `none`, `a@elsewhere` for one that has moved, `a:zone=eu` for one with
 * a label, and `stale`.
 */
export function snapshotOfText(text: string): Snapshot {
  const words = text.split(' ').filter(word => word !== 'none' && word !== 'stale')
  const nodes = words.map(word => {
    const [place = '', label = ''] = word.split(':')
    const [id = '', host = id] = place.split('@')
    const [name = '', value = ''] = label.split('=')
    return { ...nodeOf(id, label === '' ? {} : { [name]: value }), address: `${host}.test:1` }
  })
  const services = nodes.length === 0 ? [] : [serviceOf('1.0.0', nodes)]
  return { ...snapshotOf(...services), stale: text.endsWith('stale') }
}

/** The ids of a snapshot's nodes, `a b c`, or `none`. */
export function textOfIds(snapshot: Snapshot): string {
  return idsOf(snapshot).join(' ') || 'none'
}

/**
 * The outcome that a text tells: the id of the node, `refused`, `drains`, `broken`, `busy`, `invalid`, `cancelled`, `quiet` (a
 * stream without a message) or `ok`, and its latency
 * in ms, `a ok 20`.
 */
export function outcomeOfText(text: string): Outcome {
  const [id = '', end, latencyMs = '1'] = text.split(' ')
  const outcome = { node: nodeOf(id), latencyMs: Number(latencyMs) }
  if (end === 'ok' || end === 'cancelled') return { ...outcome, result: end }
  if (end === 'busy') return { ...outcome, result: 'RESOURCE_EXHAUSTED', reason: 'too_many_streams' }
  if (end === 'quiet') return { ...outcome, result: 'ok', latencyMs: undefined }
  if (end === 'invalid') return { ...outcome, result: 'INVALID_ARGUMENT', reason: 'invalid_request' }
  return { ...outcome, result: 'UNAVAILABLE', reason: REASONS[end ?? ''] ?? 'connection_closed' }
}
