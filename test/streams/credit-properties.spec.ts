import { Observable, concatMap, filter, map, merge, mergeMap, of, scan, share, take, takeWhile } from 'rxjs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Runtime } from 'millrace/core'
import { overflow, paceByReply, paced, pacedMap } from 'millrace/streams'
import { hop, type HopBooks } from '../support/hop.js'
import { simulate } from '../support/simulate.js'
import { consumeSlowly } from '../support/slow-consumer.js'

type Step = (source: Observable<number>, runtime: Runtime) => Observable<number>

const work = (runtime: Runtime, ms: number) => (n: number) =>
  new Observable<number>(subscriber =>
    runtime.scheduler.schedule(() => {
      subscriber.next(n)
      subscriber.complete()
    }, ms),
  )

/** Makes at most one item of each, and returns no credit early. */
const steps: Record<string, Step> = {
  map: source => source.pipe(map(n => n + 1)),
  filter: source => source.pipe(filter(n => n % 5 !== 0)),
  scan: source => source.pipe(scan((sum, n) => sum + n, 0)),
  concatMap: source => source.pipe(concatMap(n => of(n))),
  mergeMap: source => source.pipe(mergeMap(n => of(n))),
  fork: source => {
    const shared = source.pipe(share())
    return merge(shared.pipe(filter(n => n % 2 === 0)), shared.pipe(filter(n => n % 2 !== 0)))
  },
  take: source => source.pipe(take(70)),
  takeWhile: source => source.pipe(takeWhile(n => n < 80)),
  overflow: source => source.pipe(overflow('error', 1)),
  'pacedMap 1': (source, runtime) => source.pipe(pacedMap(work(runtime, 2), { concurrency: 1, runtime })),
  'pacedMap 5': (source, runtime) => source.pipe(pacedMap(work(runtime, 3), { concurrency: 5, runtime })),
  'pacedMap 64': (source, runtime) => source.pipe(pacedMap(work(runtime, 1), { concurrency: 64, runtime })),
  'pacedMap of paced': (source, runtime) => source.pipe(pacedMap(n => paced([n]), { concurrency: 3, runtime })),
  'pacedMap of a hop': (source, runtime) => source.pipe(pacedMap(n => hop(paced([n]), { runtime }), { runtime })),
  'pace reply': (source, runtime) => paceByReply(mergeMap(work(runtime, 2)), { name: 'reply', runtime })(source),
}

interface Program {
  readonly chain: readonly { readonly step: string; readonly window: number }[]
  readonly items: number
  readonly workMs: number
  /** When the consumer unsubscribes, ms; 0 for never. */
  readonly cutMs: number
}

const program: fc.Arbitrary<Program> = fc.record({
  chain: fc.array(
    fc.record({ step: fc.constantFrom(...Object.keys(steps)), window: fc.constantFrom(1, 2, 3, 16, 64) }),
    { minLength: 1, maxLength: 4 },
  ),
  items: fc.integer({ min: 0, max: 120 }),
  workMs: fc.integer({ min: 1, max: 3 }),
  cutMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 200 })),
})

interface Report {
  readonly hops: readonly { readonly books: HopBooks; readonly bound: number }[]
  error: unknown
  ended: boolean
}

const execute = ({ chain, items, workMs, cutMs }: Program): Report =>
  simulate(runtime => {
    const report: Report = { hops: [], error: undefined, ended: false }
    const hops = report.hops as { books: HopBooks; bound: number }[]
    let bound = 0
    let stream: Observable<number> = paced(Array.from({ length: items }, (_, n) => n))
    for (const { step, window } of chain) {
      const crossed = hop(stream, { runtime, name: step, window, onStalled: () => {} })
      bound += window // what the hops before have delivered may all wait in this one's pump
      hops.push({ books: crossed.books, bound })
      stream = steps[step]?.(crossed, runtime) ?? crossed
    }
    const subscription = stream.pipe(consumeSlowly(workMs)).subscribe({
      error: (error: unknown) => (report.error = error),
      complete: () => (report.ended = true),
    })
    if (cutMs > 0) runtime.scheduler.schedule(() => subscription.unsubscribe(), cutMs)
    return report
  })

describe('credit', () => {
  it('is neither lost nor doubled, whatever the operators', () => {
    fc.assert(
      fc.property(program, given => {
        const { hops, error, ended } = execute(given)

        expect(error).toBeUndefined()
        if (given.cutMs === 0) expect(ended).toBe(true)
        for (const { books, bound } of hops) {
          expect(books).toMatchObject({ consumed: books.arrived, doubled: 0, uncredited: 0 })
          expect(books.ahead).toBeLessThanOrEqual(bound)
        }
      }),
      { seed: 20_240, numRuns: 150 },
    )
  })
})
