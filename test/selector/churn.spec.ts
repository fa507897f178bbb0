import * as E from 'fp-ts/lib/Either.js'
import fc from 'fast-check'
import { seededRuntime } from 'millrace/core'
import type { Node, Snapshot } from 'millrace/registry'
import {
  avoidRefused,
  blacklist,
  defaultSelector,
  ejectOutliers,
  filterZone,
  leastPending,
  marked,
  type Next,
  type Outcome,
  p2c,
  random,
  rendezvousHash,
  roundRobin,
  type Selector,
  subset,
  weighted,
} from 'millrace/selector'
import { pipe, Subject, VirtualTimeScheduler } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { nodeOf, serviceOf, snapshotOf } from './snapshots.js'

const selectors: Readonly<Record<string, Selector>> = {
  random,
  roundRobin,
  leastPending,
  p2c: p2c(),
  weighted: weighted(),
  rendezvousHash,
  defaultSelector,
  marked: marked(p2c()).selector,
  'all filters': context =>
    pipe(
      avoidRefused(context),
      blacklist(context),
      ejectOutliers(context, { faults: 2, ejectionMs: 50, smallEjectionMs: 50 }),
      filterZone({ zones: ['eu', 'us'], minNodes: 2 }),
      subset(context, { size: 5 }),
      p2c()(context),
    ),
}

const ENDS = [
  { result: 'ok' },
  { result: 'ok' },
  { result: 'ok' },
  { result: 'cancelled' },
  { result: 'INTERNAL', reason: 'handler_failed' },
  { result: 'UNAVAILABLE', reason: 'connect_failed' },
] as const

/** How long a run is: a node joins or leaves every 10 ms, a call is made every 2 ms and runs for up to 50 ms. */
const RUN_MS = 2000
const CHANGE_MS = 10
const CALL_MS = 2

/** The picks of one run that were of nodes which the newest snapshot did not have, and how many picks there were. */
function run(selector: Selector, seed: number): { readonly picks: number; readonly gone: readonly Node[] } {
  const scheduler = new VirtualTimeScheduler()
  const chance = seededRuntime({ scheduler, seed })
  const draw = (below: number): number => Math.floor(chance.random() * below)
  const outcomes = new Subject<Outcome>()
  const snapshots = new Subject<Snapshot>()
  const live = new Map<string, Node>()
  const gone: Node[] = []
  let next: Next | undefined
  let picks = 0
  const watching = snapshots
    .pipe(selector({ runtime: seededRuntime({ scheduler, seed: seed + 1 }), outcomes$: outcomes }))
    .subscribe(each => (next = each))

  const change = (): void => {
    const id = `n${draw(12)}`
    // Who comes back has another address.
    if (!live.delete(id)) live.set(id, { ...nodeOf(id, { zone: draw(2) ? 'eu' : 'us' }), address: `${id}:${draw(99)}` })
    const nodes = [...live.values()].toSorted((first, second) => (first.id < second.id ? -1 : 1))
    snapshots.next(nodes.length === 0 ? snapshotOf() : snapshotOf(serviceOf('1.0.0', nodes)))
    if (scheduler.now() < RUN_MS) scheduler.schedule(change, CHANGE_MS)
  }
  const call = (): void => {
    const picked = next?.({ key: `k${draw(9)}`, ...(draw(4) === 0 && { exclude: new Set([`n${draw(12)}`]) }) })
    if (picked !== undefined && E.isRight(picked)) {
      const node = picked.right
      picks++
      if (live.get(node.id) !== node) gone.push(node)
      const [end, latencyMs] = [ENDS[draw(ENDS.length)] ?? ENDS[0], draw(50)]
      scheduler.schedule(() => outcomes.next({ node, latencyMs, ...end }), latencyMs)
    }
    if (scheduler.now() < RUN_MS) scheduler.schedule(call, CALL_MS)
  }
  change()
  call()
  scheduler.maxFrames = 2 * RUN_MS
  scheduler.flush()
  watching.unsubscribe()
  return { picks, gone }
}

describe('selectors under churn', () => {
  it.each(Object.entries(selectors))('%s never picks a node that is gone', (_, selector) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), seed => {
        const { picks, gone } = run(selector, seed)

        expect(gone).toEqual([])
        expect(picks).toBeGreaterThan(RUN_MS / CALL_MS / 2)
      }),
      { seed: 5, numRuns: 5 },
    )
  })
})
