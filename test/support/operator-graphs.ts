import fc from 'fast-check'
import type { Runtime } from 'millrace/core'
import { overflow, paceByReply, paced, pacedMap } from 'millrace/streams'
import {
  bufferCount,
  concatMap,
  defer,
  exhaustMap,
  filter,
  groupBy,
  map,
  merge,
  mergeAll,
  mergeMap,
  Observable,
  of,
  pairwise,
  scan,
  share,
  shareReplay,
  Subject,
  switchMap,
  take,
  takeWhile,
  tap,
  windowCount,
} from 'rxjs'
import type { HopBooks } from './hop.js'
import { consumeSlowly } from './slow-consumer.js'

/** A stream that crosses from one process to another, with its books. */
export type Crossing = Observable<number> & { readonly books: HopBooks }

/** Lets a stream cross. */
export type Cross = (source: Observable<number>, runtime: Runtime, hop: HopSpec) => Crossing

/** How a stream crosses. */
export interface HopSpec {
  readonly window: number
  readonly latencyMs: number
  readonly highWaterMarkBytes: number
}

interface Step {
  /** Most items that become of one. */
  readonly factor: number
  readonly apply: (source: Observable<number>, runtime: Runtime, cross: Cross) => Observable<number>
}

const step = (apply: Step['apply'], factor = 1): Step => ({ apply, factor })
const small: HopSpec = { window: 2, latencyMs: 1, highWaterMarkBytes: 262_144 }

const work = (runtime: Runtime, ms: number) => (n: number) =>
  new Observable<number>(subscriber =>
    runtime.scheduler.schedule(() => {
      subscriber.next(n)
      subscriber.complete()
    }, ms),
  )

/** Operators that return no credit early. */
const steps: Readonly<Record<string, Step>> = {
  map: step(source => source.pipe(map(n => n + 1))),
  filter: step(source => source.pipe(filter(n => n % 5 !== 0))),
  scan: step(source => source.pipe(scan((sum, n) => sum + n, 0))),
  pairwise: step(source =>
    source.pipe(
      pairwise(),
      map(([n]) => n),
    ),
  ),
  concatMap: step(source => source.pipe(concatMap(n => of(n)))),
  mergeMap: step(source => source.pipe(mergeMap(n => of(n)))),
  switchMap: step(source => source.pipe(switchMap(n => of(n)))),
  exhaustMap: step((source, runtime) =>
    source.pipe(
      exhaustMap(n => of(n)),
      exhaustLater(runtime),
    ),
  ),
  groupBy: step(source => source.pipe(groupBy(n => n % 7), mergeMap(group => group))), // prettier-ignore
  windowCount: step(source => source.pipe(windowCount(10), mergeAll())),
  shareReplay: step(source => source.pipe(shareReplay({ bufferSize: 1, refCount: true }))),
  fork: step(source => {
    const shared = source.pipe(share())
    return merge(shared.pipe(filter(n => n % 2 === 0)), shared.pipe(filter(n => n % 2 !== 0)))
  }),
  // Two of a batch have been let go of when the third brings all three.
  bufferCount: step(
    source =>
      source.pipe(
        bufferCount(3),
        mergeMap(batch => batch),
      ),
    3,
  ),
  twice: step(source => source.pipe(mergeMap(n => of(n, n))), 2),
  'fork and join': step(source => {
    const shared = source.pipe(share())
    return merge(shared, shared)
  }, 2),
  // Each item lets another in while it is passed on.
  're-entrant': step(
    source =>
      defer(() => {
        const again$ = new Subject<number>()
        const once = source.pipe(tap({ complete: () => again$.complete() }))
        return merge(once, again$).pipe(tap(n => void (n < 1e6 && again$.next(n + 1e6))))
      }),
    2,
  ),
  take: step(source => source.pipe(take(70))),
  takeWhile: step(source => source.pipe(takeWhile((_, index) => index < 80))),
  overflow: step(source => source.pipe(overflow('error', 1))),
  'pacedMap 1': step((source, runtime) => source.pipe(pacedMap(work(runtime, 2), { concurrency: 1, runtime }))),
  'pacedMap 5': step((source, runtime) => source.pipe(pacedMap(work(runtime, 3), { concurrency: 5, runtime }))),
  'pacedMap 64': step((source, runtime) => source.pipe(pacedMap(work(runtime, 1), { concurrency: 64, runtime }))),
  'pacedMap of paced': step((source, runtime) => source.pipe(pacedMap(n => paced([n]), { concurrency: 3, runtime }))),
  'pacedMap of a hop': step((source, runtime, cross) =>
    source.pipe(pacedMap(n => cross(paced([n]), runtime, small), { runtime })),
  ),
  'pace reply': step((source, runtime) =>
    paceByReply(mergeMap(work(runtime, 2)), { name: 'reply', runtime, onStalled() {} })(source),
  ),
  throws: step(source => source.pipe(map((n, index) => (index < 60 ? n : failed())))),
}

function exhaustLater(runtime: Runtime) {
  return exhaustMap(work(runtime, 1))
}

function failed(): never {
  throw new Error('the callback failed')
}

/** A program: hops with an operator behind each, and how its consumer behaves. */
export interface Program {
  readonly chain: readonly (HopSpec & { readonly step: string })[]
  readonly items: number
  readonly workMs: number
  /** When the consumer unsubscribes, ms; 0 for never. */
  readonly cutMs: number
  /** The item within whose `next` the consumer unsubscribes; 0 for none. */
  readonly cutAt: number
}

/** Programs of up to `hops` hops. */
export const programs = (hops: number): fc.Arbitrary<Program> =>
  fc.record({
    chain: fc.array(
      fc.record({
        step: fc.constantFrom(...Object.keys(steps)),
        window: fc.constantFrom(1, 2, 3, 16, 64),
        latencyMs: fc.constantFrom(0, 1),
        highWaterMarkBytes: fc.constantFrom(60, 262_144),
      }),
      { minLength: 1, maxLength: hops },
    ),
    items: fc.integer({ min: 0, max: 120 }),
    workMs: fc.integer({ min: 1, max: 3 }),
    cutMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 200 })),
    cutAt: fc.oneof(
      { weight: 3, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 80 }) },
    ),
  })

/** What became of a program. */
export interface Report {
  readonly hops: readonly { readonly books: HopBooks; readonly bound: number }[]
  error: unknown
  completed: boolean
}

/** Whether a program has to end by itself, and well. */
export function runsToItsEnd({ chain, cutMs, cutAt }: Program): boolean {
  return cutMs === 0 && cutAt === 0 && chain.every(({ step }) => step !== 'throws')
}

/** Runs a program; the report is whole when time has run out. */
export function execute({ chain, items, workMs, cutMs, cutAt }: Program, runtime: Runtime, cross: Cross): Report {
  const hops: { books: HopBooks; bound: number }[] = []
  const report: Report = { hops, error: undefined, completed: false }
  let waiting = 0
  let stream: Observable<number> = paced(Array.from({ length: items }, (_, n) => n))
  for (const { step: name, ...spec } of chain) {
    const crossed = cross(stream, runtime, spec)
    hops.push({ books: crossed.books, bound: spec.window + waiting })
    const { apply, factor } = steps[name] ?? step(identity => identity)
    waiting = factor * spec.window // what this hop has delivered may all wait in the pump of the next
    stream = apply(crossed, runtime, cross)
  }
  let received = 0
  const subscription = stream.pipe(consumeSlowly(workMs)).subscribe({
    next: () => {
      if (++received === cutAt) subscription.unsubscribe()
    },
    error: (error: unknown) => (report.error = error),
    complete: () => (report.completed = true),
  })
  if (cutMs > 0) runtime.scheduler.schedule(() => subscription.unsubscribe(), cutMs)
  return report
}
