import assert from 'node:assert/strict'
import { Observable, of, pipe } from 'rxjs'
import { RpcError } from '../../../core/index.js'
import type { Snapshot } from '../../../registry/index.js'
import { filterVersion, type Selector } from '../../../selector/index.js'
import { assertFields } from '../assert-fields.js'
import { assertIncludes } from '../assert-includes.js'
import type { Check, CheckSetup } from '../check.js'
import { benchOf, contextOf } from './selector-bench.js'
import { idsOf, serviceOf, snapshotOf } from './snapshots.js'

/** A selector to be tried. */
export interface SelectorSetup extends CheckSetup {
  /** What is tried; a value, for whatever it learns belongs to a subscription. */
  readonly selector: Selector
}

/** What a selector may lack: `spreading`, that picks without a key reach every node, sooner or later. */
export type SelectorCapability = 'spreading'

/** One fact about every selector. */
export type SelectorCheck = Check<SelectorSetup, SelectorCapability>

const THREE = snapshotOf(serviceOf('1.0.0', ['a', 'b']), serviceOf('1.1.0', ['c']))
const EMPTY = snapshotOf()

/** Everything that the contract of `Selector` says, as checks. */
export const selectorChecks: readonly SelectorCheck[] = [
  overSelector('subscribes to nothing before it is subscribed', selector => {
    let subscribed = 0
    const source = new Observable<Snapshot>(() => void subscribed++)

    source.pipe(selector(contextOf()))

    assert.equal(subscribed, 0, 'the snapshots are subscribed')
  }),

  overSelector('emits a Next in the turn of every snapshot', selector => {
    const bench = benchOf(selector)

    const counts = [THREE, EMPTY, THREE].map(snapshot => {
      const before = bench.nexts.length
      bench.snapshots.next(snapshot)
      return bench.nexts.length - before
    })

    for (const count of counts) assert.ok(count >= 1, 'a snapshot was given and no Next came')
  }),

  overSelector('emits a Next for snapshots while it is subscribed', selector => {
    let emitted = 0

    of(EMPTY, THREE, EMPTY)
      .pipe(selector(contextOf()))
      .subscribe(() => emitted++)

    assert.ok(emitted >= 3, `3 snapshots were given at once and ${emitted} Next came`)
  }),

  overSelector('picks nodes of the newest snapshot only', selector => {
    const bench = benchOf(selector)
    const newest = snapshotOf(serviceOf('2.0.0', ['d', 'e']))

    bench.snapshots.next(THREE)
    bench.snapshots.next(newest)

    for (const id of bench.picks(20)) assertIncludes(idsOf(newest), id)
  }),

  overSelector(
    'reaches every node',
    selector => {
      const bench = benchOf(selector)

      bench.snapshots.next(THREE)

      assert.deepEqual(new Set(bench.picks(200)), new Set(['a', 'b', 'c']))
    },
    'spreading',
  ),

  overSelector('passes over nodes that were tried', selector => {
    const bench = benchOf(selector)

    bench.snapshots.next(THREE)

    assert.deepEqual(new Set(bench.picks(20, { exclude: new Set(['a', 'c']) })), new Set(['b']))
  }),

  overSelector('takes a tried node when no other is left', selector => {
    const bench = benchOf(selector)

    bench.snapshots.next(THREE)

    const [picked] = bench.picks(1, { exclude: new Set(['a', 'b', 'c']) })
    assertIncludes(['a', 'b', 'c'], picked)
  }),

  overSelector('answers no_endpoint when no node is known', selector => {
    const bench = benchOf(selector)

    bench.snapshots.next(EMPTY)

    const error = bench.refusal()
    assertFields(error, { code: 'UNAVAILABLE', reason: 'no_endpoint', retry: { safe: true } })
  }),

  overSelector('says how many nodes filters took, and why', selector => {
    const bench = benchOf(context => pipe(filterVersion('2.x'), selector(context)))

    bench.snapshots.next(THREE)

    assertIncludes(bench.refusal().message, '0 of 3 usable: 3 of another version than 2.x')
  }),

  overSelector('serves a stale snapshot', selector => {
    const bench = benchOf(selector)

    bench.snapshots.next({ ...THREE, stale: true })

    assert.equal(bench.picks(3).length, 3)
  }),

  overSelector('picks the same for the same seed', selector => {
    const [first, second] = [benchOf(selector), benchOf(selector)]

    first.snapshots.next(THREE)
    second.snapshots.next(THREE)

    assert.deepEqual(first.picks(50), second.picks(50))
  }),

  overSelector('passes on an error of the snapshots', selector => {
    const bench = benchOf(selector)
    const error = new RpcError('PERMISSION_DENIED', 'watch: not allowed')

    bench.snapshots.error(error)

    assert.deepEqual(bench.errors, [error])
  }),

  overSelector('goes on when the outcomes fail', selector => {
    const bench = benchOf(selector)

    bench.outcomes.error(new RpcError('INTERNAL', 'nobody tells how calls end'))
    bench.snapshots.next(THREE)

    assert.deepEqual(bench.errors, [])
    assert.equal(bench.picks(3).length, 3)
  }),

  overSelector('lets go of snapshots and outcomes when unsubscribed', selector => {
    const bench = benchOf(selector)
    bench.snapshots.next(THREE)

    bench.subscription.unsubscribe()

    assert.deepEqual([bench.snapshots.observed, bench.outcomes.observed], [false, false])
  }),
]

function overSelector(title: string, run: (selector: Selector) => void, needs?: SelectorCapability): SelectorCheck {
  return { title, ...(needs && { needs }), run: async ({ selector }) => run(selector) }
}
