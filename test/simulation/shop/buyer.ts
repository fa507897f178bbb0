import type { Stub } from 'millrace/actors'
import { paced, pacedMap } from 'millrace/streams'
import type { ProcessContext } from 'millrace/testing'
import {
  catchError,
  concatMap,
  defer,
  delay,
  EMPTY,
  interval,
  merge,
  mergeMap,
  of,
  range,
  take,
  takeUntil,
  type Observable,
} from 'rxjs'
import type { Line, Orders, Shop, Stock } from './contracts.js'
import { pacing } from './pacing.js'

/** Times between calls of one kind, ms. */
const EVERY_MS = {
  quote: 1200,
  buy: 2300,
  visited: 4100,
  catalogue: 5300,
  worth: 7900,
  basket: 8300,
  delivered: 9700,
  history: 10700,
}

/** Whom a buyer calls. */
export interface Called {
  readonly shop: Stub<(typeof Shop)['endpoints']>
  readonly stock: Stub<(typeof Stock)['endpoints']>
  readonly orders: Stub<(typeof Orders)['endpoints']>
}

interface Buying extends Called {
  readonly context: ProcessContext
}

/** Calls all day: all kinds of calls, impatiently at times, leaving early at times, reading slowly at times. */
export function buyer(context: ProcessContext, called: Called): Observable<unknown> {
  const { runtime, stop$ } = context
  const buying = { context, ...called }
  const repeat = (everyMs: number, call: (buying: Buying, index: number) => Observable<unknown>): Observable<unknown> =>
    interval(everyMs, runtime.scheduler).pipe(
      // What cannot be had is done without: whether a call was to fail is the invariants' business.
      mergeMap(index => defer(() => call(buying, index)).pipe(catchError(() => EMPTY))),
    )
  return merge(
    repeat(EVERY_MS.quote, quote),
    repeat(EVERY_MS.buy, buy),
    repeat(EVERY_MS.visited, visit),
    repeat(EVERY_MS.catalogue, browse),
    repeat(EVERY_MS.worth, compare),
    repeat(EVERY_MS.basket, fillBasket),
    repeat(EVERY_MS.delivered, deliver),
    repeat(EVERY_MS.history, lookBack),
  ).pipe(takeUntil(stop$))
}

function quote({ context, shop }: Buying, index: number): Observable<unknown> {
  const impatient = chance(context, 0.3) ? shop.with({ deadlineMs: 300 }) : shop
  return impatient.quote(`item-${index}`)
}

function buy({ context, shop }: Buying, index: number): Observable<unknown> {
  const line = { n: index, item: `item-${index}` }
  return chance(context, 0.5) ? shop.with({ deadlineMs: 2000 }).buy(line) : shop.buy(line)
}

function visit({ shop }: Buying, index: number): Observable<unknown> {
  return shop.visited({ n: index, item: 'window' })
}

/** A stream through two services: left early, read slowly, or neither. */
function browse({ context, shop }: Buying): Observable<unknown> {
  const count = 10 + draw(context, 40)
  const entry$ = shop.catalogue(count)
  if (chance(context, 0.3)) return entry$.pipe(take(1 + draw(context, count)))
  return chance(context, 0.3) ? entry$.pipe(slowly(context)) : entry$
}

function compare({ context, shop }: Buying): Observable<unknown> {
  return shop.worth(paced(items(8 + draw(context, 8)), { window: 4 }))
}

/** Lines that the buyer thinks about, one after the other, through two services, with cancellation in the middle. */
function fillBasket({ context, shop }: Buying): Observable<unknown> {
  const { scheduler } = context.runtime
  const line$ = range(1, 5 + draw(context, 10)).pipe(
    concatMap(n => of({ n, item: `item-${n}` }).pipe(delay(50 + 200 * context.runtime.random(), scheduler))),
  )
  const basket$ = chance(context, 0.2) ? shop.with({ deadlineMs: 1000 }).basket(line$) : shop.basket(line$)
  return chance(context, 0.3) ? basket$.pipe(take(4)) : basket$
}

function deliver({ context, stock }: Buying): Observable<unknown> {
  return stock.delivered(paced(lines(10 + draw(context, 20)), { window: 16 }))
}

function lookBack({ context, orders }: Buying): Observable<unknown> {
  const order$ = orders.history(10 + draw(context, 20))
  return chance(context, 0.5) ? order$.pipe(slowly(context)) : order$
}

/** Takes its time for each value, and lets the sender wait for it. */
function slowly<T>(context: ProcessContext): (source: Observable<T>) => Observable<T> {
  const { runtime } = context
  return pacedMap(value => of(value).pipe(delay(100 * runtime.random(), runtime.scheduler)), pacing(context, 1))
}

function* items(count: number): Iterable<string> {
  for (let n = 1; n <= count; n++) yield `item-${n}`
}

function* lines(count: number): Iterable<Line> {
  for (let n = 1; n <= count; n++) yield { n, item: `item-${n}` }
}

function chance({ runtime }: ProcessContext, probability: number): boolean {
  return runtime.random() < probability
}

function draw({ runtime }: ProcessContext, below: number): number {
  return Math.floor(runtime.random() * below)
}
