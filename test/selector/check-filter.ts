import type { Snapshot } from 'millrace/registry'
import { marbles } from 'millrace/testing'
import { map, type OperatorFunction } from 'rxjs'
import { idsOf, nodeOf, serviceOf, snapshotOf } from './snapshots.js'

const eu = (id: string) => nodeOf(id, { zone: 'eu' })
const us = (id: string) => nodeOf(id, { zone: 'us' })

/**
 * Snapshots of three nodes that differ in all that filters look at: `s` all of them, each other letter without those
 * that its name leaves out; `n` none.
 *
 * | node | zone | version | endpoints   |
 * |------|------|---------|-------------|
 * | a    | eu   | 1.0.0   | count       |
 * | b    | us   | 1.2.0   | count tally |
 * | c    | eu   | 2.0.0   | tally       |
 */
const SNAPSHOTS: { readonly [marble: string]: Snapshot } = {
  s: snapshotOf(
    serviceOf('1.0.0', [eu('a')], ['words.count']),
    serviceOf('1.2.0', [us('b')], ['words.count', 'words.tally']),
    serviceOf('2.0.0', [eu('c')], ['words.tally']),
  ),
  a: snapshotOf(serviceOf('1.0.0', [eu('a')], ['words.count'])),
  b: snapshotOf(serviceOf('1.2.0', [us('b')], ['words.count', 'words.tally'])),
  c: snapshotOf(serviceOf('2.0.0', [eu('c')], ['words.tally'])),
  n: snapshotOf(),
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
  n: '',
}

const ids = map((snapshot: Snapshot) => idsOf(snapshot).join(' '))

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

    const left$ = snapshot$.pipe(filter, ids)

    expectObservable(left$, lanes.unsubscribed).toBe(lanes.left, LEFT, lanes.error)
    expectSubscriptions(snapshot$).toBe(lanes.subscribed)
  })
}
