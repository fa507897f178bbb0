import {
  Observable,
  Subject,
  asapScheduler,
  bufferCount,
  combineLatest,
  concatMap,
  count,
  debounceTime,
  delay,
  delayWhen,
  exhaustMap,
  filter,
  finalize,
  groupBy,
  identity,
  ignoreElements,
  lastValueFrom,
  map,
  merge,
  mergeAll,
  mergeMap,
  observeOn,
  of,
  pairwise,
  queueScheduler,
  range,
  scan,
  share,
  shareReplay,
  switchMap,
  take,
  timer,
  toArray,
  windowCount,
  withLatestFrom,
  zip,
  type OperatorFunction,
} from 'rxjs'
import { describe, expect, it } from 'vitest'
import { systemRuntime, type Runtime } from 'millrace/core'
import {
  CreditWindow,
  deliver,
  hold,
  paceByReply,
  paced,
  pacedMap,
  pump,
  type Release,
  type Stalled,
} from 'millrace/streams'
import { hop, type Hop, type HopBooks } from '../support/hop.js'
import { simulate } from '../support/simulate.js'
import { consumeSlowly } from '../support/slow-consumer.js'

// Two hops, both with a window of 16: source → hop → operator under test → hop → a consumer of 1 ms an item.
const WINDOW = 16
const ITEMS = 2000
/** Credit is back on arrival: nothing keeps the source. */
const NOT_PACED = 1000

interface Outcome {
  readonly near: HopBooks
  readonly far: HopBooks
  readonly values: unknown[]
  readonly stalls: Stalled[]
  /** The most items taken from the source and not yet consumed at the far end, when each makes one. */
  ahead: number
  completed: boolean
  error: unknown
}

type Setup = (runtime: Runtime, outcome: Outcome) => OperatorFunction<number, unknown>

const numbers = (n: number): Iterable<number> => ({
  *[Symbol.iterator]() {
    for (let i = 0; i < n; i++) yield i
  },
})

const run = (setup: Setup, source: Observable<number> = paced(numbers(ITEMS))): Outcome =>
  simulate(runtime => {
    const stalls: Stalled[] = []
    const options = { runtime, onStalled: (event: Stalled) => void stalls.push(event) }
    const near = hop(source, { ...options, name: 'near' })
    const outcome: Outcome = { near: near.books, far: undefined as never, values: [], stalls, ahead: 0, completed: false, error: undefined } // prettier-ignore
    const far = hop(near.pipe(setup(runtime, outcome)), { ...options, name: 'far' })
    Object.assign(outcome, { far: far.books })
    let done = 0
    far.pipe(consumeSlowly(1, () => done++)).subscribe({
      next: value => {
        outcome.ahead = Math.max(outcome.ahead, near.books.taken - done)
        outcome.values.push(value)
      },
      error: (error: unknown) => (outcome.error = error),
      complete: () => (outcome.completed = true),
    })
    return outcome
  })

const expectNoLoss = ({ near, far }: Outcome): void => {
  for (const books of [near, far]) {
    expect(books).toMatchObject({ consumed: books.arrived, doubled: 0, uncredited: 0 })
  }
}

const after = (runtime: Runtime, ms: number): Observable<0> =>
  new Observable(subscriber =>
    runtime.scheduler.schedule(() => {
      subscriber.next(0)
      subscriber.complete()
    }, ms),
  )

const later =
  <T>(runtime: Runtime, ms: number) =>
  (value: T): Observable<T> =>
    after(runtime, ms).pipe(map(() => value))

describe('plain operators', () => {
  const withSelf = <B>(join: (source: Observable<number>) => Observable<B>): OperatorFunction<number, B> => {
    return source => join(source.pipe(share()))
  }

  it.each<[string, OperatorFunction<number, unknown>, emits: number]>([
    ['identity', identity, ITEMS],
    ['map', map(n => n * 2), ITEMS],
    ['filter', filter(n => n % 3 === 0), 667],
    ['scan', scan((sum, n) => sum + n, 0), ITEMS],
    ['share', share(), ITEMS],
    ['shareReplay(1)', shareReplay(1), ITEMS],
    ['withLatestFrom', withSelf(s => s.pipe(withLatestFrom(of('x')))), ITEMS],
    ['combineLatest', source => combineLatest([source, of('x')]), ITEMS],
    ['zip with itself', withSelf(s => zip(s, s)), ITEMS],
    ['pairwise', pairwise(), ITEMS - 1],
    ['windowCount + mergeAll', source => source.pipe(windowCount(10), mergeAll()), ITEMS],
    [
      'groupBy + mergeMap',
      source =>
        source.pipe(
          groupBy(n => n % 7),
          mergeMap(group => group),
        ),
      ITEMS,
    ],
    ['observeOn(queue)', observeOn(queueScheduler), ITEMS],
    ['synchronous delayWhen', delayWhen(() => of(0)), ITEMS],
    ['bufferCount(10)', bufferCount(10), 200],
    ['bufferCount(100), more than the window', bufferCount(100), 20],
  ])('%s is exact', (_, operator, emits) => {
    const outcome = run(() => operator)

    expectNoLoss(outcome)
    expect(outcome.error).toBeUndefined()
    expect(outcome.values).toHaveLength(emits)
    expect(outcome.near.ahead).toBeLessThanOrEqual(WINDOW)
    expect(outcome.far.ahead).toBeLessThanOrEqual(2 * WINDOW)
    if (emits === ITEMS) expect(outcome.ahead).toBeLessThanOrEqual(2 * WINDOW)
  })

  it('merge paces each remote stream by itself', () => {
    let other: Hop<number> | undefined
    const outcome = run(runtime => source => {
      other = hop(paced(numbers(ITEMS)), { runtime })
      return merge(source, other)
    })

    expectNoLoss(outcome)
    expect(outcome.values).toHaveLength(2 * ITEMS)
    expect(outcome.near.ahead).toBeLessThanOrEqual(WINDOW)
    expect(other?.books.ahead).toBeLessThanOrEqual(WINDOW)
  })

  it('switchMap and exhaustMap drop items, not credit', () => {
    for (const operator of [switchMap, exhaustMap]) {
      const outcome = run(runtime => operator(later(runtime, 2)))

      expectNoLoss(outcome)
      expect(outcome.completed).toBe(true)
      expect(outcome.stalls).toEqual([])
      expect(outcome.values.length).toBeLessThan(ITEMS)
    }
  })

  it('concatMap with asynchronous inners returns credit early', () => {
    const outcome = run(runtime => concatMap(later(runtime, 2)))

    expectNoLoss(outcome)
    expect(outcome.values).toHaveLength(ITEMS)
    expect(outcome.ahead).toBeGreaterThan(NOT_PACED)
  })

  it('zip with a slower side returns credit early', () => {
    const outcome = run(runtime => source => zip(source, paced(numbers(ITEMS)).pipe(concatMap(later(runtime, 2)))))

    expectNoLoss(outcome)
    expect(outcome.values).toHaveLength(ITEMS)
    expect(outcome.ahead).toBeGreaterThan(NOT_PACED)
  })

  it.each<[string, (runtime: Runtime) => OperatorFunction<number, number>]>([
    ['mergeMap with asynchronous inners', runtime => mergeMap(later(runtime, 2))],
    ['delay', () => delay(2)],
    ['observeOn(asap)', () => observeOn(asapScheduler)],
  ])('%s overflows, loudly', (_, setup) => {
    const outcome = run(setup)

    expect(outcome.error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'overflow' })
    expectNoLoss(outcome)
  })
})

describe('share', () => {
  const fork = (program: (shared: Observable<number>, runtime: Runtime) => void): HopBooks =>
    simulate(runtime => {
      const near = hop(paced(numbers(ITEMS)), { runtime })
      program(near.pipe(share()), runtime)
      return near.books
    })

  it('into two pumps goes as the slower one', () => {
    let done = 0
    let ahead = 0

    const books = fork((shared, runtime) => {
      const fast = hop(shared, { runtime })
      const slow = hop(shared, { runtime, onStalled: () => {} })
      slow.pipe(consumeSlowly(5, () => done++)).subscribe()
      fast.subscribe(() => (ahead = Math.max(ahead, fast.books.arrived - done)))
    })

    expect(books).toMatchObject({ consumed: ITEMS, doubled: 0 })
    expect(ahead).toBeLessThanOrEqual(2 * WINDOW)
  })

  it('goes on when a stuck pump is cancelled', () => {
    let received = 0

    const books = fork((shared, runtime) => {
      const stuck = hop(shared, { runtime }).subscribe(() => void hold())
      hop(shared, { runtime }).subscribe(() => received++)
      runtime.scheduler.schedule(() => stuck.unsubscribe(), 10)
    })

    expect(books).toMatchObject({ consumed: ITEMS, doubled: 0 })
    expect(received).toBe(ITEMS)
  })
})

describe('pacedMap', () => {
  it('keeps the source within the windows of a slow peer', () => {
    const outcome = run(runtime => pacedMap(later(runtime, 2), { runtime }))

    expectNoLoss(outcome)
    expect(outcome.values).toHaveLength(ITEMS)
    expect(outcome.near.ahead).toBeLessThanOrEqual(WINDOW)
    expect(outcome.far.ahead).toBeLessThanOrEqual(2 * WINDOW)
  })

  it.each([1, 4, 64])('maps to remote streams, %i at once', concurrency => {
    const inner: HopBooks[] = []
    const outcome = run(
      runtime =>
        pacedMap(
          n => {
            const remote = hop(paced([n, n]), { runtime })
            inner.push(remote.books)
            return remote
          },
          { concurrency, runtime },
        ),
      paced(numbers(200)),
    )

    expectNoLoss(outcome)
    expect(outcome.values).toHaveLength(400)
    expect(outcome.near.ahead).toBeLessThanOrEqual(WINDOW)
    expect(outcome.far.ahead).toBeLessThanOrEqual(3 * WINDOW)
    expect(inner.every(books => books.consumed === 2 && books.doubled === 0)).toBe(true)
  })

  it('paces promises', async () => {
    const near = hop(paced(numbers(200)), { runtime: systemRuntime() })

    const values = await lastValueFrom(
      near.pipe(
        pacedMap(async n => n),
        toArray(),
      ),
    )

    expect(values).toEqual([...numbers(200)])
    expect(near.books).toMatchObject({ consumed: 200, doubled: 0 })
    expect(near.books.ahead).toBeLessThanOrEqual(WINDOW)
  })

  it('expands into paced streams one item at a time', () => {
    const outcome = run(
      runtime => pacedMap(n => paced(numbers(100)).pipe(map(i => n * 100 + i)), { concurrency: 1, runtime }),
      paced(numbers(20)),
    )

    expectNoLoss(outcome)
    expect(outcome.values).toEqual([...numbers(2000)])
    expect(outcome.far.ahead).toBeLessThanOrEqual(WINDOW)
  })

  it('stalls when it waits for more than a window', () => {
    const cases: [string, Setup][] = [
      [
        'groups, more than the window',
        (runtime, { stalls }) =>
          source =>
            source.pipe(
              groupBy(n => n % 32),
              pacedMap(group => group.pipe(count()), { concurrency: 32, runtime, onStalled: e => void stalls.push(e) }),
            ),
      ],
      [
        'a value that waits for 20 later ones',
        (runtime, { stalls }) =>
          source => {
            const shared = source.pipe(share())
            return shared.pipe(
              pacedMap(() => shared.pipe(take(20), ignoreElements()), {
                concurrency: 32,
                runtime,
                onStalled: e => void stalls.push(e),
              }),
            )
          },
      ],
    ]
    for (const [name, setup] of cases) {
      const outcome = run((runtime, o) => source => cut(runtime, setup(runtime, o)(source)))

      expect(
        outcome.stalls.map(({ where }) => where),
        name,
      ).toContainEqual('pacedMap')
      expect(outcome.near).toMatchObject({ arrived: WINDOW, doubled: 0 })
    }
  })

  it('works through groups, fewer than the window', () => {
    const outcome = run(
      runtime => source =>
        source.pipe(
          groupBy(n => n % 8),
          pacedMap(group => group.pipe(count()), { concurrency: 8, runtime }),
        ),
    )

    expectNoLoss(outcome)
    expect(outcome.values).toEqual(Array.from({ length: 8 }, () => ITEMS / 8))
  })

  it('stalls on windows of items with one credit', () => {
    const events: Stalled[] = []
    const onStalled = (event: Stalled): void => void events.push(event)

    simulate(runtime => {
      const near = hop(paced(numbers(20)), { runtime, window: 1, onStalled: () => {} })
      const sizes = near.pipe(
        windowCount(4),
        pacedMap(window => window.pipe(count()), { runtime, onStalled }),
      )
      cut(runtime, sizes).subscribe()
    })

    expect(events).toMatchObject([{ where: 'pacedMap', requests: 1, replies: 0 }])
  })
})

/** Unsubscribes at 60 s, so that what stalls comes to an end. */
const cut = <T>(runtime: Runtime, source: Observable<T>): Observable<T> =>
  new Observable(subscriber => {
    const subscription = source.subscribe(subscriber)
    subscriber.add(
      runtime.scheduler.schedule(() => {
        subscription.unsubscribe()
        subscriber.complete()
      }, 60_000),
    )
  })
describe('CreditWindow', () => {
  it('grants a quarter of the window at a time', () => {
    const grants: number[] = []
    const window = new CreditWindow(WINDOW, n => void grants.push(n))

    for (let i = 0; i < WINDOW; i++) {
      window.receive()
      window.consume()
    }

    expect(grants).toEqual([4, 4, 4, 4])
  })

  it('goes on while a consumer keeps 12 of 16', () => {
    const kept: (Release | undefined)[] = []
    const received: number[] = []

    const books = simulate(runtime => {
      const near = hop(paced(numbers(ITEMS)), { runtime })
      near.subscribe(n => {
        received.push(n)
        if (kept.length < 12) kept.push(hold())
      })
      return near.books
    })

    expect(received).toHaveLength(ITEMS)
    expect(books).toMatchObject({ consumed: ITEMS - 12, uncredited: 0 })
  })

  it('grants what is left when the last credit is used', () => {
    const grants: number[] = []
    const window = new CreditWindow(WINDOW, n => void grants.push(n))

    for (let item = 0; item < WINDOW; item++) {
      window.receive()
      if (item < 3) window.consume()
    }

    expect(grants).toEqual([3])
    expect(window.outstanding).toBe(3)
  })

  it('refuses an item without credit', () => {
    const window = new CreditWindow(1, () => {})
    window.receive()

    expect(window.receive()).toBe(false)
  })
})

describe('amplification', () => {
  const replayed = (n: number): OperatorFunction<number, number> => mergeMap(() => range(n))

  it('is held when operators make 100 items of each', () => {
    const outcome = run(() => replayed(100), paced(numbers(40)))

    expectNoLoss(outcome)
    expect(outcome.values).toHaveLength(4000)
    expect(outcome.far.ahead).toBeLessThanOrEqual(WINDOW * 100 + WINDOW)
  })

  it('is held when one delivery becomes 5000 items', () => {
    const outcome = run(() => replayed(5000), paced([0]))

    expectNoLoss(outcome)
    expect(outcome.values).toHaveLength(5000)
    expect(outcome.far.ahead).toBe(5000)
  })

  it('fails over 65 536 items held', () => {
    const outcome = run(() => replayed(70_000), paced([0]))

    expect(outcome.error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'amplified' })
    expect(outcome.near).toMatchObject({ arrived: 1, consumed: 1, failed: 1 })
  })

  it('naks the item that was too many, too', () => {
    const outcome = run(() => mergeMap(n => range(n === 0 ? 65_536 + WINDOW : 1)), paced([0, 1]))

    expect(outcome.error).toMatchObject({ reason: 'amplified' })
    expect(outcome.near).toMatchObject({ arrived: 2, consumed: 2, failed: 2 })
  })
})

describe('pump', () => {
  const burst = (n: number): Outcome => run(() => identity, range(n))

  it('takes a synchronous source whole', () => {
    const outcome = burst(ITEMS)

    expectNoLoss(outcome)
    expect(outcome.values).toHaveLength(ITEMS)
  })

  it('names paced when a synchronous source is too long', () => {
    const outcome = burst(70_000)

    expect(outcome.error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'burst' })
    expect(String(outcome.error)).toContain('paced(iterable)')
  })

  it('lets others run after 256 items on unbounded credit', () => {
    const turns: number[] = []

    simulate(runtime => {
      let sent = 0
      const sink = { ready: true, encode: identity, send: () => ++sent > 0, complete() {}, fail() {}, blocked() {} }
      pump(paced(numbers(1000)), sink, { name: 'all', credit: Infinity, runtime }).start()
      const look = (): void => {
        turns.push(sent)
        if (sent < 1000) runtime.macrotask(look)
      }
      look()
    })

    expect(turns).toEqual([256, 512, 768, 1000])
  })

  it('encodes an item while it is emitted', () => {
    const totals: Record<string, number> = {}
    const sent: string[] = []

    simulate(runtime => {
      const sink = {
        ready: true,
        encode: (value: object) => JSON.stringify(value),
        send: (text: string) => sent.push(text) > 0,
        complete() {},
        fail() {},
        blocked() {},
      }
      const accumulating = of('a', 'b', 'a').pipe(map(word => ((totals[word] = (totals[word] ?? 0) + 1), totals)))
      const pumped = pump(accumulating, sink, { name: 'totals', credit: 0, runtime })
      pumped.start()
      pumped.request(3)
    })

    expect(sent).toEqual(['{"a":1}', '{"a":1,"b":1}', '{"a":2,"b":1}'])
  })

  it('acks what is written, naks what is queued', () => {
    const acks: string[] = []

    simulate(runtime => {
      const topic$ = new Subject<string>()
      const sink = { ready: true, encode: identity, send: () => true, complete() {}, fail() {}, blocked() {} }
      const pumped = pump(topic$, sink, { name: 'topic', credit: 1, runtime })
      pumped.start()
      for (const name of ['written', 'queued', 'queued too']) {
        deliver(topic$, name, error => void acks.push(`${error === undefined ? 'ack' : 'nak'} ${name}`))
      }
      pumped.cancel()
    })

    expect(acks).toEqual(['ack written', 'nak queued', 'nak queued too'])
  })

  it('is outside of the delivery that started it', () => {
    const consumed: string[] = []

    simulate(runtime => {
      const handler = {
        next: () => {
          const sink = { ready: true, encode: identity, send: () => true, complete() {}, fail() {}, blocked() {} }
          pump(range(2000), sink, { name: 'reply', credit: 0, runtime, onStalled() {} }).start()
        },
      }
      deliver(handler, 'request', () => void consumed.push('request'))
    })

    expect(consumed).toEqual(['request'])
  })

  it('waits for a slow gateway', () => {
    let opened = 0
    const outcome = run(runtime => {
      let gate: Hop<number> | undefined
      const toggle = (): void => {
        gate?.open(opened++ % 2 === 1)
        if (opened < 500) runtime.scheduler.schedule(toggle, 5)
        else gate?.open(true)
      }
      runtime.scheduler.schedule(toggle, 5)
      return source => (gate = hop(source, { runtime, name: 'gateway' }))
    })

    expectNoLoss(outcome)
    expect(outcome.values).toHaveLength(ITEMS)
    expect(outcome.near.ahead).toBeLessThanOrEqual(2 * WINDOW)
  })

  it('leaves nothing held when its call has ended', () => {
    const books = simulate(runtime => {
      const near = hop(paced(numbers(ITEMS)), { runtime })
      const shared = near.pipe(share())
      const far = hop(shared, { runtime }).subscribe(() => void hold())
      shared.subscribe()
      runtime.scheduler.schedule(() => far.unsubscribe(), 3)
      return near.books
    })

    expect(books).toMatchObject({ arrived: ITEMS, consumed: ITEMS, doubled: 0 })
  })
})

describe('ends', () => {
  const last = (source: Observable<unknown>): { end: string; values: number } => {
    const outcome = { end: 'open', values: 0 }
    source.subscribe({
      next: () => outcome.values++,
      error: error => (outcome.end = String(error)),
      complete: () => (outcome.end = 'complete'),
    })
    return outcome
  }

  it.each<[string, OperatorFunction<number, unknown>, end: string, values: number]>([
    ['take(1)', take(1), 'complete', 1],
    ['take(50)', take(50), 'complete', 50],
    ['a callback that throws', map(n => (n < 20 ? n : thrown())), 'Error: thrown', 20],
  ])('%s leaves no delivery and no source', (_, operator, end, values) => {
    let closed = 0
    const source = paced(numbers(ITEMS)).pipe(finalize(() => closed++))

    const [books, outcome] = simulate(runtime => {
      const near = hop(source, { runtime })
      return [near.books, last(near.pipe(operator))] as const
    })

    expect(outcome).toEqual({ end, values })
    expect(closed).toBe(1)
    expect(books).toMatchObject({ consumed: books.arrived, doubled: 0 })
  })

  it('unsubscribing inside next leaves no delivery', () => {
    const books = simulate(runtime => {
      const near = hop(paced(numbers(ITEMS)), { runtime })
      const subscription = near.subscribe(n => {
        if (n === 30) subscription.unsubscribe()
      })
      return near.books
    })

    expect(books).toMatchObject({ arrived: 31, consumed: 31, doubled: 0 })
  })

  it('credit of items that come after the end is dropped', () => {
    const held: (Release | undefined)[] = []
    const grants: number[] = []

    const books = simulate(runtime => {
      const near = hop(paced(numbers(8)), { runtime })
      near.subscribe({ next: () => void held.push(hold()), complete: () => grants.push(near.books.consumed) })
      return near.books
    })
    for (const release of held) release?.()

    expect(grants).toEqual([0])
    expect(books).toMatchObject({ consumed: 8, doubled: 0 })
  })
})

describe('gates', () => {
  it('are held by the item that opens them', () => {
    const outcome = run(() => source => {
      return new Observable(subscriber => {
        const gate: number[] = []
        return source.subscribe({
          next: n => {
            gate.push(n)
            if (gate.length === 10) for (const open of gate.splice(0)) subscriber.next(open)
          },
          complete: () => subscriber.complete(),
        })
      })
    })

    expectNoLoss(outcome)
    expect(outcome.values).toEqual([...numbers(ITEMS)])
    expect(outcome.near.ahead).toBeLessThanOrEqual(WINDOW)
  })
})

describe('feedback', () => {
  const circle = (seeds: number, amplification: number): { stalls: Stalled[]; passed: number } =>
    simulate(runtime => {
      const outcome = { stalls: [] as Stalled[], passed: 0 }
      const onStalled = (event: Stalled): void => void outcome.stalls.push(event)
      const back$ = new Subject<number>()
      const there = hop(merge(paced(numbers(seeds)), back$), { runtime, name: 'there', onStalled })
      const back = hop(there, { runtime, name: 'back', onStalled })
      back.pipe(take(10_000)).subscribe(n => {
        outcome.passed++
        for (let copy = 0; copy < amplification; copy++) back$.next(n)
      })
      return outcome
    })

  it('goes round with fewer items than the window', () => {
    const { passed, stalls } = circle(8, 1)

    expect(passed).toBe(10_000)
    expect(stalls).toEqual([])
  })

  it.each([
    [40, 1],
    [8, 2],
  ])('stalls with %i seeds that come back times %i', (seeds, amplification) => {
    const { stalls } = circle(seeds, amplification)

    expect(stalls.map(({ where }) => where)).toEqual(expect.arrayContaining(['there', 'back']))
  })
})

describe('ping-pong', () => {
  it('runs 1e5 rounds without growing', () => {
    const rounds = 100_000
    let played = 0

    simulate(runtime => {
      const ping$ = new Subject<number>()
      const pong = hop(ping$, { runtime })
      pong.subscribe(n => {
        played++
        if (n < rounds) ping$.next(n + 1)
      })
      runtime.macrotask(() => runtime.macrotask(() => ping$.next(1)))
    })

    expect(played).toBe(rounds)
  })
})

describe('deliver', () => {
  it('nests 1e6 synchronous items without growing the stack', () => {
    let consumed = 0
    const source = paced(numbers(1_000_000))
    const inner = { next: () => {} }

    source.subscribe(n => deliver(inner, n, () => consumed++))

    expect(consumed).toBe(1_000_000)
  })
})

describe('paceByReply', () => {
  it.each<[string, (runtime: Runtime) => OperatorFunction<number, number>, replies: number]>([
    ['concatMap', runtime => concatMap(later(runtime, 1)), 1],
    ['mergeMap', runtime => mergeMap(later(runtime, 3)), 1],
    ['delay', () => delay(3), 1],
    ['observeOn(asap)', () => observeOn(asapScheduler), 1],
    ['two replies a request', () => concatMap(n => of(n, n)), 2],
  ])('%s is exact', (_, setup, replies) => {
    const outcome = run(runtime => paceByReply(setup(runtime), { name: 'words.tally', runtime }))

    expectNoLoss(outcome)
    expect(outcome.values).toHaveLength(ITEMS * replies)
    expect(outcome.near.ahead).toBeLessThanOrEqual(WINDOW)
    expect(outcome.stalls).toEqual([])
  })

  const suppressed = (operator: OperatorFunction<number, unknown>): Outcome =>
    run(
      (runtime, { stalls }) =>
        source =>
          cut(
            runtime,
            paceByReply<number, unknown>(requests$ => requests$.pipe(operator), {
              name: 'words.tally',
              runtime,
              onStalled: event => void stalls.push(event),
            })(source),
          ),
    )

  it.each<[string, OperatorFunction<number, unknown>]>([
    ['filter', filter(() => false)],
    ['bufferCount, more than the window,', bufferCount(WINDOW + 1)],
  ])('%s stalls, and says so', (_, operator) => {
    const outcome = suppressed(operator)

    expect(outcome.stalls).toContainEqual({ where: 'words.tally', requests: WINDOW, replies: 0, forMs: 5000 })
    expect(outcome.near.ahead).toBeLessThanOrEqual(WINDOW)
  })

  it.each<[string, OperatorFunction<number, unknown>]>([
    ['switchMap', switchMap(n => timer(10).pipe(map(() => n)))],
    ['debounceTime', debounceTime(10)],
  ])('%s shrinks the window to 1', (_, operator) => {
    const outcome = suppressed(operator)

    expectNoLoss(outcome)
    expect(outcome.stalls).toEqual([])
    expect(outcome.values).toHaveLength(ITEMS - WINDOW + 1)
  })
})
function thrown(): never {
  throw new Error('thrown')
}
