import { createClient, type Client, type Stub } from 'millrace/actors'
import type { RpcError } from 'millrace/core'
import { rsocket } from 'millrace/protocol/rsocket'
import { deliver, hold, paced, pacedMap, pull, type Release, type Stalled } from 'millrace/streams'
import { memoryRegistry } from 'millrace/registry'
import { tcp } from 'millrace/transport/tcp'
import {
  asapScheduler,
  BehaviorSubject,
  bufferCount,
  combineLatest,
  concatMap,
  count,
  delay,
  delayWhen,
  exhaustMap,
  filter,
  groupBy,
  identity,
  ignoreElements,
  map,
  merge,
  mergeAll,
  mergeMap,
  type Observable,
  observeOn,
  of,
  pairwise,
  queueScheduler,
  range,
  scan,
  share,
  shareReplay,
  Subject,
  switchMap,
  take,
  tap,
  timer,
  windowCount,
  withLatestFrom,
  zip,
  type OperatorFunction,
} from 'rxjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Child } from '../../support/child.js'
import { eventually } from '../../support/deadline.js'
import { record, type Recording } from '../../support/recording.js'
import { impatientRuntime } from './impatient-runtime.js'
import { Rows, type Book, type PullSource } from './rows.js'

// The rows of the list of credit cases, with another process at both ends: its source, a hop, the operator under test
// here, a hop, its consumer of one item a turn. It keeps the books, so it knows what was ahead at every moment.
const WINDOW = 16
const ITEMS = 300
/** Credit is back on arrival: nothing keeps the source. */
const NOT_PACED = 200
const PATIENCE_MS = 15_000

type RowsStub = Stub<(typeof Rows)['endpoints']>

let child: Child
let address: string
let client: Client
let rows: RowsStub
/** Where our side has stalled. */
const stalls: unknown[] = []

function connect(window: number): Client {
  const runtime = impatientRuntime()
  const registry = memoryRegistry()
  const node = { id: 'rows-1', address, metadata: { protocol: 'rsocket', transport: 'tcp' } }
  registry
    .register(new BehaviorSubject({ name: 'rows', version: '0.0.0', metadata: {}, endpoints: [], node }))
    .subscribe()
  const log = ({ fields }: { readonly fields?: Readonly<Record<string, unknown>> }): void =>
    void stalls.push(fields?.['where'])
  return createClient({ protocol: rsocket(tcp({ runtime }), { runtime, window, log }), registry, log })
}

beforeAll(async () => {
  child = new Child('test/streams/over-tcp/rows-process.ts')
  address = String(await child.tells('address', PATIENCE_MS))
  client = connect(WINDOW)
  rows = client.of(Rows)
  await rows.promise.book('')
})

afterAll(() => {
  client.close()
  child.signal('SIGKILL')
})

let runs = 0
const named = (): readonly [RowsStub, () => Promise<Book>] => {
  const run = `run ${runs++}`
  return [rows.with({ header: { run } }), () => rows.promise.book(run)]
}

const ended = async (recording: Recording<unknown>): Promise<void> =>
  eventually(() => recording.completed || recording.error !== undefined, PATIENCE_MS, 'the end of a stream')

const expectAll = (recording: Recording<unknown>, values: number): void => {
  expect(recording).toMatchObject({ error: undefined, completed: true })
  expect(recording.values).toHaveLength(values)
}

/** Source, hop, operator, hop, slow consumer; what became of it. */
async function flow(
  operator: OperatorFunction<number, unknown>,
  items: number = ITEMS,
): Promise<readonly [Recording<unknown>, Book]> {
  const [rows, book] = named()
  const recording = record(rows.numbers(items).pipe(operator, rows.consume))
  await ended(recording)
  return [recording, await book()]
}

const later =
  (ms: number) =>
  <T>(value: T): Observable<T> =>
    timer(ms).pipe(map(() => value))

const withSelf = <B>(join: (source: Observable<number>) => Observable<B>): OperatorFunction<number, B> => {
  return source => join(source.pipe(share()))
}

describe.concurrent('credit between two processes', () => {
  it.each<[string, OperatorFunction<number, unknown>, emits?: number]>([
    ['identity', identity],
    ['map', map(n => n * 2)],
    ['filter', filter(n => n % 4 === 0), ITEMS / 4],
    ['scan', scan((sum, n) => sum + n, 0)],
    ['share', share()],
    ['shareReplay(1)', shareReplay(1)],
    ['withLatestFrom', withSelf(s => s.pipe(withLatestFrom(of('x'))))],
    ['combineLatest', source => combineLatest([source, of('x')])],
    ['zip with itself', withSelf(s => zip(s, s))],
    ['pairwise', pairwise(), ITEMS - 1],
    ['windowCount + mergeAll', source => source.pipe(windowCount(10), mergeAll())],
    ['groupBy + mergeMap', source => source.pipe(groupBy(n => n % 7), mergeMap(group => group))], // prettier-ignore
    ['observeOn(queue)', observeOn(queueScheduler)],
    ['synchronous delayWhen', delayWhen(() => of(0))],
    ['bufferCount(10)', bufferCount(10), ITEMS / 10],
    ['bufferCount(100), more than the window', bufferCount(100), ITEMS / 100],
    ['pacedMap with asynchronous inners', pacedMap(later(1))],
    ['pacedMap of promises', pacedMap(async n => n)],
    ['pacedMap of remote streams', pacedMap(n => rows.numbers(1).pipe(map(() => n)), { concurrency: 64 })],
    ['pull', source => paced(pull(source))],
  ])('is exact through %s', async (_, operator, emits = ITEMS) => {
    const [recording, book] = await flow(operator)

    expectAll(recording, emits)
    expect(book).toMatchObject({ taken: ITEMS, closed: 1 })
    if (emits === ITEMS) expect(book.ahead).toBeLessThanOrEqual(2 * WINDOW)
  })

  it('waits for the item that opens a gate', async () => {
    const gate: OperatorFunction<number, number> = n$ =>
      n$.pipe(
        bufferCount(10),
        mergeMap(batch => batch),
      )
    const [recording, book] = await flow(gate)

    expectAll(recording, ITEMS)
    expect(book.ahead).toBeLessThanOrEqual(WINDOW + 10 * WINDOW)
  })

  it('is exact through each of two merged streams', async () => {
    const [first, bookOfFirst] = named()
    const [second, bookOfSecond] = named()
    const both = merge(first.numbers(ITEMS), second.numbers(ITEMS))

    const recording = record(both.pipe(pacedMap(async n => n, { concurrency: 1 })))
    await ended(recording)

    expectAll(recording, 2 * ITEMS)
    expect([await bookOfFirst(), await bookOfSecond()]).toMatchObject([{ closed: 1 }, { closed: 1 }])
  })

  it('goes as the slower of two that share', async () => {
    const [slow, book] = named()
    const shared = slow.numbers(ITEMS).pipe(share())

    const slowly = record(shared.pipe(slow.consume))
    const fast = record(shared)
    await ended(slowly)

    expectAll(fast, ITEMS)
    expectAll(slowly, ITEMS)
    expect((await book()).ahead).toBeLessThanOrEqual(2 * WINDOW)
  })

  it('comes back when a stuck stream that shares is cancelled', async () => {
    const shared = rows.numbers(ITEMS).pipe(share())
    const stuck = record(shared.pipe(rows.stuck))
    const other = record(shared)
    await eventually(() => other.values.length >= WINDOW, PATIENCE_MS, 'a window of items')

    stuck.subscription.unsubscribe()
    await ended(other)

    expectAll(other, ITEMS)
  })

  it('goes on while a consumer keeps 12 of 16', async () => {
    const kept: (Release | undefined)[] = []
    const keep = tap(() => kept.length < 12 && kept.push(hold()))

    const recording = record(rows.numbers(ITEMS).pipe(keep))
    await ended(recording)

    expectAll(recording, ITEMS)
  })

  it.each([
    ['switchMap', switchMap],
    ['exhaustMap', exhaustMap],
  ] as const)('is not lost with what %s drops', async (_, operator) => {
    const [recording, book] = await flow(operator(later(2)))

    expect(recording).toMatchObject({ error: undefined, completed: true })
    expect(recording.values.length).toBeLessThan(ITEMS)
    expect(book).toMatchObject({ taken: ITEMS, closed: 1 })
  })

  it.each<[string, OperatorFunction<number, unknown>]>([
    ['concatMap with asynchronous inners', concatMap(later(1))],
    ['zip with a slower side', source => zip(source, range(ITEMS).pipe(concatMap(later(1))))],
  ])('is back early through %s', async (_, operator) => {
    const [recording, book] = await flow(operator)

    expectAll(recording, ITEMS)
    expect(book.ahead).toBeGreaterThan(NOT_PACED)
  })

  it.each<[string, OperatorFunction<number, unknown>]>([
    ['mergeMap with asynchronous inners', mergeMap(later(100))],
    ['delay', delay(100)],
    ['observeOn(asap)', observeOn(asapScheduler)],
  ])('is back early, and overflows, through %s', async (_, operator) => {
    const recording = record(rows.numbers(4000).pipe(operator, rows.stuck))
    await ended(recording)

    expect(recording.error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'overflow' })
  })

  it.each([
    [100, 40],
    [5000, 1],
  ])('waits for %i items made of each of %i', async (each, items) => {
    const [recording, book] = await flow(
      mergeMap(() => range(each)),
      items,
    )

    expectAll(recording, each * items)
    expect(book).toMatchObject({ taken: items, consumed: each * items })
  })

  it('fails over 65 536 items made of one', async () => {
    const recording = record(rows.numbers(1).pipe(mergeMap(() => range(70_000)), rows.stuck)) // prettier-ignore
    await ended(recording)

    expect(recording.error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'amplified' })
  })

  it('keeps an expansion that can wait waiting', async () => {
    const expansion = pacedMap((n: number) => paced(Array.from({ length: 100 }, (_, i) => n * 100 + i)), {
      concurrency: 1,
    })
    const [recording, book] = await flow(expansion, 10)

    expectAll(recording, 1000)
    expect(book).toMatchObject({ taken: 10, consumed: 1000 })
  })

  it('is not asked of a source that cannot wait', async () => {
    const whole = record(rows.pushed(2000))
    const tooLong = record(range(70_000).pipe(rows.stuck))
    await ended(whole)
    await ended(tooLong)

    expectAll(whole, 2000)
    expect(tooLong.error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'burst' })
    expect(String(tooLong.error)).toContain('paced(iterable)')
  })

  it.each<[string, OperatorFunction<number, unknown>, values: number]>([
    ['take(1)', take(1), 1],
    ['take(50)', take(50), 50],
    ['a callback that throws', map(n => (n < 20 ? n : thrown())), 20],
    ['a callback that throws at the last item', map(n => (n < ITEMS - 1 ? n : thrown())), ITEMS - 1],
  ])('leaves no source behind after %s', async (_, operator, values) => {
    const [rows, book] = named()

    const recording = record(rows.numbers(ITEMS).pipe(operator))
    await ended(recording)

    expect(recording.values).toHaveLength(values)
    expect(await book()).toMatchObject({ closed: 1 })
  })

  it('leaves no source behind when unsubscribed inside next', async () => {
    const [rows, book] = named()
    let received = 0

    await new Promise<void>(resolve => {
      const subscription = rows.numbers(ITEMS).subscribe(n => {
        received++
        if (n !== 30) return
        subscription.unsubscribe()
        resolve()
      })
    })
    const { closed, taken } = await book()

    expect([received, closed]).toEqual([31, 1])
    expect(taken).toBeLessThanOrEqual(31 + WINDOW)
  })

  it('is exact when held twice and released twice', async () => {
    const recording = record(
      rows.numbers(ITEMS).pipe(
        tap(() => {
          const releases = [hold(), hold()]
          setImmediate(() => {
            for (const release of [...releases, ...releases]) release?.()
          })
        }),
      ),
    )
    await ended(recording)

    expectAll(recording, ITEMS)
  })

  it('is dropped after the end', async () => {
    const [rows, book] = named()
    const held: (Release | undefined)[] = []
    const recording = record(rows.numbers(8).pipe(tap(() => held.push(hold()))))
    await ended(recording)

    for (const release of held) release?.()

    expect(await book()).toMatchObject({ taken: 8, closed: 1 }) // over the same connection
  })

  it('goes through a handler that makes 2000 items of one', async () => {
    const recording = record(paced([2000, 2000]).pipe(rows.expand))
    await ended(recording)

    expectAll(recording, 4000)
  })

  it('crosses 10 000 times', async () => {
    const recording = record(rows.numbers(10_000).pipe(count()))
    await ended(recording)

    expect(recording.values).toEqual([10_000])
  })

  it('plays ping-pong', async () => {
    const ping$ = new Subject<number>()
    const pong = record(ping$.pipe(rows.circle, take(500), tap(n => queueMicrotask(() => ping$.next(n + 1))))) // prettier-ignore
    ping$.next(0)
    await ended(pong)

    expectAll(pong, 500)
  })

  it('without bound leaves time for others', async () => {
    const unbounded = connect(2 ** 31 - 2)
    const { numbers, promise } = unbounded.of(Rows)
    const all = record(numbers(300_000))

    await promise.book('')

    expect(all.completed).toBe(false)
    all.subscription.unsubscribe()
    unbounded.close()
  })

  const circle = (seeds: number, amplification: number): Recording<number> => {
    const back$ = new Subject<number>()
    const seed$ = paced(Array.from({ length: seeds }, (_, n) => n))
    return record(
      merge(seed$, back$).pipe(
        rows.circle,
        take(1000),
        tap(n => {
          for (let copy = 0; copy < amplification; copy++) back$.next(n)
        }),
      ),
    )
  }

  it('goes round with fewer items than the window', async () => {
    const round = circle(8, 1)
    await ended(round)

    expectAll(round, 1000)
  })

  it.each([
    [80, 1],
    [8, 2],
  ])('stalls with %i seeds that come back times %i', async (seeds, amplification) => {
    const round = circle(seeds, amplification)

    await eventually(() => stalls.includes('rows.circle'), PATIENCE_MS, 'a stall')

    expect(round.completed).toBe(false)
    round.subscription.unsubscribe()
  })

  it('is enough for groups, fewer than the window', async () => {
    const groups = groupBy((n: number) => n % 6)

    const recording = record(rows.numbers(ITEMS).pipe(groups, pacedMap(group => group.pipe(count())))) // prettier-ignore
    await ended(recording)

    expect(recording.values).toEqual(Array.from({ length: 6 }, () => ITEMS / 6))
  })

  const stalling: Record<string, (options: object) => OperatorFunction<number, unknown>> = {
    'groups, more than the window': options => source =>
      source.pipe(groupBy(n => n % 32), pacedMap(group => group.pipe(count()), { ...options, concurrency: 32 })), // prettier-ignore
    'an item that waits for 20 later ones': options => source => {
      const shared = source.pipe(share())
      const wait = (): Observable<never> => shared.pipe(take(20), ignoreElements())
      return shared.pipe(pacedMap(wait, { ...options, concurrency: 32 }))
    },
  }

  it.each(Object.entries(stalling))('stalls on %s', async (_, operator) => {
    const events: Stalled[] = []
    const options = { stalledAfterMs: 50, onStalled: (event: Stalled): void => void events.push(event) }
    const recording = record(rows.numbers(ITEMS).pipe(operator(options)))

    await eventually(() => events.length > 0, PATIENCE_MS, 'a stall')

    expect(events).toMatchObject([{ where: 'pacedMap', replies: 0 }])
    recording.subscription.unsubscribe()
  })

  it('stalls on windows of items with one credit', async () => {
    const one = connect(1)
    const events: Stalled[] = []
    const options = { stalledAfterMs: 50, onStalled: (event: Stalled): void => void events.push(event) }
    const sizes = one.of(Rows).numbers(20).pipe(windowCount(4), pacedMap(window => window.pipe(count()), options)) // prettier-ignore
    const recording = record(sizes)

    await eventually(() => events.length > 0, PATIENCE_MS, 'a stall')

    expect(events).toMatchObject([{ where: 'pacedMap', requests: 1, replies: 0 }])
    recording.subscription.unsubscribe()
    one.close()
  })

  it.each([
    ['ConcatMap', 1],
    ['MergeMap', 1],
    ['Delay', 1],
    ['Asap', 1],
    ['Twice', 2],
  ] as const)('paced by reply is exact through %s', async (name, replies) => {
    const [rows, book] = named()

    const recording = record(rows.numbers(ITEMS).pipe(rows[`reply${name}`], rows.consume))
    await ended(recording)

    expectAll(recording, ITEMS * replies)
    if (replies === 1) expect((await book()).ahead).toBeLessThanOrEqual(4 * WINDOW) // here, there, back and there again
  })

  it.each(['Filter', 'BufferCount'] as const)('paced by reply stalls on %s', async name => {
    const recording = record(rows.numbers(ITEMS).pipe(rows[`reply${name}`]))
    const where = `rows.reply${name}`

    await eventually(() => child.told.some(line => line['stalled'] === where), PATIENCE_MS, 'a stall')

    expect(recording.values).toEqual([])
    recording.subscription.unsubscribe()
  })

  it.each(['SwitchMap', 'DebounceTime'] as const)('paced by reply shrinks to 1 with %s', async name => {
    const recording = record(rows.numbers(40).pipe(rows[`reply${name}`]))
    await ended(recording)

    expectAll(recording, 40 - WINDOW + 1)
  })

  it('acks what is written, naks what is queued', async () => {
    const topic$ = new Subject<number>()
    const ends: string[] = []
    const call = record(topic$.pipe(rows.stuck))
    const publish = (n: number): void => {
      deliver(topic$, n, error => void ends.push(error === undefined ? 'ack' : (error as RpcError).reason))
    }
    publish(0)
    await eventually(() => ends.length > 0, PATIENCE_MS, 'the first credit')

    for (let n = 1; n < 20; n++) publish(n)
    call.subscription.unsubscribe()

    expect(ends).toEqual([...Array.from({ length: 16 }, () => 'ack'), ...Array.from({ length: 4 }, () => 'not_sent')])
  })

  it.each<[PullSource, prefetched: number]>([
    ['Iterable', 0],
    ['AsyncIterable', 0],
    ['ReadableStream', 1],
    ['Readable', 2],
  ])('asks a source that is an %s', async (source, prefetched) => {
    const [rows, book] = named()

    const recording = record(rows.pulled(source).pipe(rows.consume))
    await ended(recording)
    const { ahead, taken } = await book()

    expectAll(recording, 400)
    expect(taken).toBe(400)
    expect(ahead).toBeLessThanOrEqual(2 * WINDOW + prefetched)
  })
})

function thrown(): never {
  throw new Error('thrown')
}
