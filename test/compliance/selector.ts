import * as E from 'fp-ts/lib/Either.js'
import { RpcError, seededRuntime } from 'millrace/core'
import type { Node, Snapshot } from 'millrace/registry'
import { filterVersion, type Next, type Outcome, type Pick, type Selector } from 'millrace/selector'
import { NEVER, Observable, pipe, Subject, type Subscription, VirtualTimeScheduler } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { idsOf, serviceOf, snapshotOf } from '../selector/snapshots.js'

/** What not every selector does. */
export interface SelectorCapabilities {
  /** Picks without a key reach every node, sooner or later. */
  readonly spreads: boolean
}

/** One fact about a selector; rejects or throws when it is not so. */
export interface SelectorCheck {
  readonly title: string
  /** What the selector must be capable of for the fact to be expected. */
  readonly needs?: keyof SelectorCapabilities
  readonly run: (selector: Selector) => void
}

const THREE = snapshotOf(serviceOf('1.0.0', ['a', 'b']), serviceOf('1.1.0', ['c']))
const EMPTY = snapshotOf()

/** Everything that the contract of `Selector` says, as checks. */
export const selectorChecks: readonly SelectorCheck[] = [
  {
    title: 'subscribes to nothing before it is subscribed',
    run(selector) {
      let subscribed = 0
      const source = new Observable<Snapshot>(() => void subscribed++)

      source.pipe(selector(contextOf()))

      expect(subscribed).toBe(0)
    },
  },
  {
    title: 'emits a Next in the turn of every snapshot',
    run(selector) {
      const bench = benchOf(selector)

      const counts = [THREE, EMPTY, THREE].map(snapshot => {
        const before = bench.nexts.length
        bench.snapshots.next(snapshot)
        return bench.nexts.length - before
      })

      for (const count of counts) expect(count).toBeGreaterThanOrEqual(1)
    },
  },
  {
    title: 'picks nodes of the newest snapshot only',
    run(selector) {
      const bench = benchOf(selector)
      const newest = snapshotOf(serviceOf('2.0.0', ['d', 'e']))

      bench.snapshots.next(THREE)
      bench.snapshots.next(newest)

      for (const id of bench.picks(20)) expect(idsOf(newest)).toContain(id)
    },
  },
  {
    title: 'reaches every node',
    needs: 'spreads',
    run(selector) {
      const bench = benchOf(selector)

      bench.snapshots.next(THREE)

      expect(new Set(bench.picks(200))).toEqual(new Set(['a', 'b', 'c']))
    },
  },
  {
    title: 'passes over nodes that were tried',
    run(selector) {
      const bench = benchOf(selector)

      bench.snapshots.next(THREE)

      expect(new Set(bench.picks(20, { exclude: new Set(['a', 'c']) }))).toEqual(new Set(['b']))
    },
  },
  {
    title: 'takes a tried node when no other is left',
    run(selector) {
      const bench = benchOf(selector)

      bench.snapshots.next(THREE)

      expect(['a', 'b', 'c']).toContain(bench.picks(1, { exclude: new Set(['a', 'b', 'c']) })[0])
    },
  },
  {
    title: 'answers no_endpoint when no node is known',
    run(selector) {
      const bench = benchOf(selector)

      bench.snapshots.next(EMPTY)

      const error = bench.refusal()
      expect(error).toMatchObject({ code: 'UNAVAILABLE', reason: 'no_endpoint', retry: { safe: true } })
    },
  },
  {
    title: 'says how many nodes filters took, and why',
    run(selector) {
      const bench = benchOf(context => pipe(filterVersion('2.x'), selector(context)))

      bench.snapshots.next(THREE)

      expect(bench.refusal().message).toContain('0 of 3 nodes usable: 3 of another version than 2.x')
    },
  },
  {
    title: 'serves a stale snapshot',
    run(selector) {
      const bench = benchOf(selector)

      bench.snapshots.next({ ...THREE, stale: true })

      expect(bench.picks(3)).toHaveLength(3)
    },
  },
  {
    title: 'picks the same for the same seed',
    run(selector) {
      const [first, second] = [benchOf(selector), benchOf(selector)]

      first.snapshots.next(THREE)
      second.snapshots.next(THREE)

      expect(first.picks(50)).toEqual(second.picks(50))
    },
  },
  {
    title: 'passes on an error of the snapshots',
    run(selector) {
      const bench = benchOf(selector)
      const error = new RpcError('PERMISSION_DENIED', 'watch: not allowed')

      bench.snapshots.error(error)

      expect(bench.errors).toEqual([error])
    },
  },
  {
    title: 'lets go of snapshots and outcomes when unsubscribed',
    run(selector) {
      const bench = benchOf(selector)
      bench.snapshots.next(THREE)

      bench.subscription.unsubscribe()

      expect([bench.snapshots.observed, bench.outcomes.observed]).toEqual([false, false])
    },
  },
]

/** Runs the checks as specs; those that need a missing capability are shown as skipped. */
export function testSelector(name: string, selector: Selector, capabilities: SelectorCapabilities): void {
  describe(`${name} as a Selector`, () => {
    for (const { title, needs, run } of selectorChecks) {
      it.skipIf(needs !== undefined && !capabilities[needs])(title, () => run(selector))
    }
  })
}

/** A selector at work, with everything it takes in and gives out at hand. */
function benchOf(selector: Selector) {
  const snapshots = new Subject<Snapshot>()
  const outcomes = new Subject<Outcome>()
  const nexts: Next[] = []
  const errors: unknown[] = []
  const subscription: Subscription = snapshots
    .pipe(selector({ ...contextOf(), outcomes$: outcomes }))
    .subscribe({ next: next => nexts.push(next), error: error => errors.push(error) })

  const answer = (pick: Pick): E.Either<RpcError, Node> => {
    const next = nexts.at(-1)
    if (next === undefined) throw new Error('the selector has emitted nothing')
    return next(pick)
  }
  const picks = (count: number, pick: Pick = {}): readonly string[] =>
    Array.from({ length: count }, () => {
      const answered = answer(pick)
      if (E.isLeft(answered)) throw answered.left
      return answered.right.id
    })
  const refusal = (): RpcError => {
    const answered = answer({})
    if (E.isRight(answered)) throw new Error(`picked ${answered.right.id}`)
    return answered.left
  }
  return { snapshots, outcomes, nexts, errors, subscription, picks, refusal }
}

function contextOf() {
  return { runtime: seededRuntime({ scheduler: new VirtualTimeScheduler(), seed: 7 }), outcomes$: NEVER }
}
