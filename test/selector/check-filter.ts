import type { Snapshot } from 'millrace/registry'
import { marbles } from 'millrace/testing'
import { map, type OperatorFunction } from 'rxjs'
import { nodeOf, serviceOf, snapshotOf } from './snapshots.js'
import { textOfIds } from './texts.js'

/** Snapshots, as texts that a diagram can show: node, zone, version, endpoints. */
const SNAPSHOTS = {
  s: 'a eu 1.0.0 count, b us 1.2.0 count tally, c eu 2.0.0 tally',
  a: 'a eu 1.0.0 count',
  b: 'b us 1.2.0 count tally',
  c: 'c eu 2.0.0 tally',
  n: 'none',
}

/** Nodes that are left in: the letter of one, `n` of none, else the letter of the one that is not. */
const LEFT: { readonly [marble: string]: string } = {
  a: 'a',
  b: 'b',
  c: 'c',
  s: 'a b c',
  x: 'b c',
  y: 'a c',
  z: 'a b',
  n: 'none',
}

/** What goes into a filter, and what comes out. */
export interface FilterLanes {
  readonly snapshots: string
  readonly left: string
  /** When the snapshots are subscribed. */
  readonly subscribed: string
  /** When the filter is unsubscribed. @default `'^'`, when it ends */
  readonly unsubscribed?: string
  /** The error of the filter. @default `'error'`, the one that snapshots end with */
  readonly error?: unknown
}

/** Expects that the filter leaves in what is drawn, in the millisecond of the snapshot. */
export function checkFilter(filter: OperatorFunction<Snapshot, Snapshot>, lanes: FilterLanes): void {
  marbles(({ cold, expectObservable, expectSubscriptions }) => {
    const snapshot$ = cold(lanes.snapshots, SNAPSHOTS)

    const left$ = snapshot$.pipe(map(described), filter, map(textOfIds))

    expectObservable(left$, lanes.unsubscribed).toBe(lanes.left, LEFT, lanes.error)
    expectSubscriptions(snapshot$).toBe(lanes.subscribed)
  })
}

function described(text: string): Snapshot {
  if (text === 'none') return snapshotOf()
  const services = text.split(', ').map(one => {
    const [id = '', zone = '', version = '', ...endpoints] = one.split(' ')
    const names = endpoints.map(endpoint => `words.${endpoint}`)
    return serviceOf(version, [nodeOf(id, { zone })], names)
  })
  return snapshotOf(...services)
}
