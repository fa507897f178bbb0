import * as E from 'fp-ts/lib/Either.js'
import { seededRuntime } from 'millrace/core'
import { type Next, type PickIndex, roundRobin, type Selector, strategy } from 'millrace/selector'
import type { Snapshot } from 'millrace/registry'
import { NEVER, Subject, VirtualTimeScheduler } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { serviceOf, snapshotOf } from './snapshots.js'

const scheduler = new VirtualTimeScheduler()
const abc = snapshotOf(serviceOf('1.0.0', ['a', 'b', 'c']))

function at(selector: Selector, snapshot$: Subject<Snapshot>, seed = 1): () => Next {
  let newest: Next | undefined
  const context = { runtime: seededRuntime({ scheduler, seed }), outcomes$: NEVER }
  snapshot$.pipe(selector(context)).subscribe(next => (newest = next))
  return () => newest as Next
}

function idOf(answer: ReturnType<Next>): string {
  return E.isRight(answer) ? answer.right.id : answer.left.reason
}

describe('strategy', () => {
  it('keeps state per subscription, across snapshots', () => {
    const counting = strategy(() => {
      let turn = 0
      return nodes => turn++ % nodes.length
    })
    const snapshots = new Subject<Snapshot>()
    const [first, second] = [at(counting, snapshots), at(counting, snapshots)]

    snapshots.next(abc)
    const before = [idOf(first()({})), idOf(first()({})), idOf(second()({}))]
    snapshots.next(abc)

    expect([...before, idOf(first()({}))]).toEqual(['a', 'b', 'a', 'c'])
  })

  it('gives the same answer object for a node', () => {
    const snapshots = new Subject<Snapshot>()
    const next = at(
      strategy(() => () => 1),
      snapshots,
    )

    snapshots.next(abc)

    expect(next()({})).toBe(next()({}))
  })

  it.each<[string, PickIndex]>([
    ['an index out of range', nodes => nodes.length],
    ['NaN', () => NaN],
    [
      'an exception',
      () => {
        throw new TypeError('broken on purpose')
      },
    ],
  ])('turns %s into strategy_failed', (_, pickIndex) => {
    const snapshots = new Subject<Snapshot>()
    const next = at(
      strategy(() => pickIndex),
      snapshots,
    )

    snapshots.next(abc)

    expect(idOf(next()({}))).toBe('strategy_failed')
  })

  it('says how old a stale picture without nodes is', () => {
    const snapshots = new Subject<Snapshot>()
    const next = at(roundRobin, snapshots)

    snapshots.next({ ...snapshotOf(), asOf: -1500, stale: true })

    const answer = next()({})
    expect(E.isLeft(answer) && answer.left.rawMessage).toBe('no node is known; registry stale for 2 s')
  })
})

describe('roundRobin', () => {
  it('picks every node once a round', () => {
    const snapshots = new Subject<Snapshot>()
    const next = at(roundRobin, snapshots)
    snapshots.next(abc)

    const rounds = Array.from({ length: 4 }, () => [0, 1, 2].map(() => idOf(next()({}))))

    for (const round of rounds) expect(round.toSorted()).toEqual(['a', 'b', 'c'])
  })

  it('starts at different nodes for different seeds', () => {
    const snapshots = new Subject<Snapshot>()
    const nexts = Array.from({ length: 20 }, (_, seed) => at(roundRobin, snapshots, seed))

    snapshots.next(abc)

    expect(new Set(nexts.map(next => idOf(next()({}))))).toEqual(new Set(['a', 'b', 'c']))
  })
})
