import type { Snapshot } from 'millrace/registry'
import type { Outcome } from 'millrace/selector'
import { idsOf, nodeOf, serviceOf, snapshotOf } from './snapshots.js'

// What lanes of selectors are made of: texts, which a diagram can show.

/** The snapshot that a text tells: ids of nodes or `none`, `a@elsewhere` for one that has moved, and `stale`. */
export function snapshotOfText(text: string): Snapshot {
  const words = text.split(' ').filter(word => word !== 'none' && word !== 'stale')
  const nodes = words.map(word => {
    const [id = '', host = id] = word.split('@')
    return { ...nodeOf(id), address: `${host}.test:1` }
  })
  const services = nodes.length === 0 ? [] : [serviceOf('1.0.0', nodes)]
  return { ...snapshotOf(...services), stale: text.endsWith('stale') }
}

/** The ids of a snapshot's nodes, `a b c`, or `none`. */
export function textOfIds(snapshot: Snapshot): string {
  return idsOf(snapshot).join(' ') || 'none'
}

/** The outcome that a text tells: the id of the node, and `refused`, `broken`, `cancelled` or `ok`. */
export function outcomeOfText(text: string): Outcome {
  const [id = '', end] = text.split(' ')
  const outcome = { node: nodeOf(id), latencyMs: 1 }
  if (end === 'ok' || end === 'cancelled') return { ...outcome, result: end }
  return { ...outcome, result: 'UNAVAILABLE', reason: end === 'refused' ? 'connect_failed' : 'connection_closed' }
}
