import { paced, pacedMap, pull } from 'millrace'
import { firstValueFrom, Observable, type Subscription } from 'rxjs'
import { clientOf } from './client-of.js'
import { ITEM_BYTES, Load } from './load.js'
import { MemoryWatch } from './memory-watch.js'
import { Moments } from './moments.js'
import { now } from './monotonic-clock.js'
import { Pace } from './pace.js'

/** The ways to consume a stream. */
export type Style = 'pacedMap' | 'pull' | 'subscribe' | 'pace reply'

/** What the client is to do: consume for a while, or measure how soon unsubscribing reaches the source. */
export type ClientTask =
  | { readonly task: 'consume'; readonly style: Style; readonly ms: number }
  | { readonly task: 'tearDown'; readonly times: number }

/** What the client tells of consuming. */
export interface ConsumeReport {
  /** When each item was taken from a source of its own. */
  readonly taken: readonly number[]
  /** When each item was consumed. */
  readonly consumed: readonly number[]
  readonly growthMb: number
}

/** What the client tells of tearing down. */
export interface TearDownReport {
  /** When each stream was unsubscribed. */
  readonly unsubscribed: readonly number[]
  /** A round trip over the same connections just before each, ms. */
  readonly roundTripsMs: readonly number[]
}

/** Time between things that are measured. */
const MEANWHILE_MS = 3

const [, , address = '', window] = process.argv
const load = clientOf('load', address, { window: Number(window) }).of(Load)
const taken = new Moments()
const consumed = new Moments()
const pace = new Pace()

const oneByOne = (): Observable<never> =>
  new Observable(subscriber =>
    pace.work(() => {
      consumed.mark()
      subscriber.complete()
    }),
  )

async function loop(items: Observable<Uint8Array>, isOver: () => boolean): Promise<void> {
  for await (const _ of pull(items)) {
    await new Promise<void>(resolve => pace.work(resolve))
    consumed.mark()
    if (isOver()) return
  }
}

function* items(): Generator<Uint8Array> {
  for (;;) {
    taken.mark()
    yield new Uint8Array(ITEM_BYTES)
  }
}

const start: { readonly [style in Style]: () => Subscription | (() => void) } = {
  pacedMap: () =>
    load
      .items()
      .pipe(pacedMap(oneByOne, { concurrency: 1 }))
      .subscribe(),
  pull: () => {
    let over = false
    void loop(load.items(), () => over)
    return () => (over = true)
  },
  subscribe: () =>
    load.items().subscribe(() => {
      pace.workSynchronously()
      consumed.mark()
    }),
  'pace reply': () => load.work(paced(items())).subscribe(),
}

async function consume(style: Style, ms: number): Promise<ConsumeReport> {
  const memory = new MemoryWatch()
  const running = start[style]()
  await new Promise(resolve => setTimeout(resolve, ms))
  stop(running)
  await roundTripMs() // the connection keeps the order: the source is torn down when this is back
  return { taken: taken.take(), consumed: consumed.take(), growthMb: memory.growthMb() }
}

function stop(running: Subscription | (() => void)): void {
  if (typeof running === 'function') running()
  else running.unsubscribe()
}

function meanwhile(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, MEANWHILE_MS))
}

async function roundTripMs(): Promise<number> {
  const sentAt = now()
  await firstValueFrom(load.ping(1))
  return now() - sentAt
}

/**
 * Unsubscribes streams which a slow consumer holds back, and makes a call beside each: both alone and at some moment of
 * that slow stream, not right behind other calls, which would keep the processes awake for them.
 */
async function tearDown(times: number): Promise<TearDownReport> {
  const unsubscribed: number[] = []
  const roundTripsMs: number[] = []
  for (let time = 0; time < times; time++) {
    const running = start.pacedMap()
    await meanwhile()
    roundTripsMs.push(await roundTripMs())
    await meanwhile()
    unsubscribed.push(now())
    stop(running)
    await meanwhile()
  }
  await roundTripMs() // the connection keeps the order: all are torn down when this is back
  return { unsubscribed, roundTripsMs }
}

const perform = (task: ClientTask): Promise<unknown> =>
  task.task === 'consume' ? consume(task.style, task.ms) : tearDown(task.times)
process.on('message', task => void perform(task as ClientTask).then(report => process.send?.(report)))
process.on('disconnect', () => process.exit(0))
for (let ping = 0; ping < 200; ping++) await roundTripMs()
process.send?.('ready')
