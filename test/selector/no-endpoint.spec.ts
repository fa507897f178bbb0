import * as E from 'fp-ts/lib/Either.js'
import { seededRuntime, type RpcError } from 'millrace/core'
import type { Snapshot } from 'millrace/registry'
import { avoidRefused, ejectOutliers, filterLabel, roundRobin, type Next, type Outcome } from 'millrace/selector'
import { pipe, Subject, VirtualTimeScheduler } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { first } from '../support/first.js'
import { nodeOf, serviceOf, snapshotOf } from './snapshots.js'
import { outcomeOfText } from './texts.js'

/** Nodes of which none is in the zone: what is told of those that other filters took before. */
function bench() {
  const scheduler = new VirtualTimeScheduler()
  const runtime = seededRuntime({ scheduler, seed: 1 })
  const snapshots = new Subject<Snapshot>()
  const outcomes = new Subject<Outcome>()
  const nexts: Next[] = []
  const context = { runtime, outcomes$: outcomes }
  snapshots
    .pipe(
      pipe(
        avoidRefused(context),
        ejectOutliers(context, { smallGroup: 0, maxEjectedPercent: 100, panicPercent: 100 }),
        filterLabel('zone', 'eu'),
        roundRobin(context),
      ),
    )
    .subscribe(next => nexts.unshift(next))
  const advance = (ms: number): void => {
    scheduler.maxFrames = scheduler.frame + ms
    scheduler.schedule(() => {}, ms)
    scheduler.flush()
  }
  const tell = (text: string, times: number): void => {
    for (let time = 0; time < times; time++) outcomes.next(outcomeOfText(text))
  }
  const refusal = (): RpcError => {
    const answer = first(nexts)({})
    if (E.isRight(answer)) throw new Error(`${answer.right.id} was picked`)
    return answer.left
  }
  return { snapshots, advance, tell, refusal }
}

const abcd = snapshotOf(
  serviceOf(
    '1.0.0',
    ['a', 'b', 'c', 'd'].map(id => nodeOf(id)),
  ),
)

describe('no_endpoint', () => {
  it('says who is out, why and for how long', () => {
    const { snapshots, advance, tell, refusal } = bench()
    snapshots.next(abcd)
    tell('a broken', 5)
    tell('b broken', 5)
    advance(9400)
    tell('c drains', 1)

    const error = refusal()

    expect(error.rawMessage).toBe(
      '0 of 4 usable: 1 draining, 2 ejected (5 failures, back in 21 s), 1 without label zone=eu',
    )
    expect(error.details).toEqual({
      known: 4,
      stale: false,
      leftOut: [
        { why: 'draining', nodes: 1 },
        { why: 'ejected', nodes: 2, failures: [5, 5], backInMs: 20_600 },
        { why: 'without label zone=eu', nodes: 1 },
      ],
    })
  })

  it('counts faults from the fewest to the most', () => {
    const { snapshots, tell, refusal } = bench()
    snapshots.next(abcd)
    tell('b ok', 1)
    tell('b broken', 4)
    tell('b ok', 1)
    tell('a broken', 5)
    tell('b broken', 5)

    const { message } = refusal()

    expect(message).toContain('2 ejected (5 to 9 failures, back in 30 s)')
  })

  it('says how long the registry is stale', () => {
    const { snapshots, advance, refusal } = bench()
    snapshots.next(abcd)
    advance(40_000)

    snapshots.next({ ...abcd, stale: true })

    expect(refusal().rawMessage).toBe('0 of 4 usable: 4 without label zone=eu; registry stale for 40 s')
    expect(refusal().details).toMatchObject({ stale: true, staleMs: 40_000 })
  })

  it('says that the registry has never answered', () => {
    const { snapshots, refusal } = bench()

    snapshots.next({ ...snapshotOf(), asOf: -Infinity, stale: true })

    expect(refusal().rawMessage).toBe('no node is known; registry has not answered yet')
  })
})
