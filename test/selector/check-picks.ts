import * as E from 'fp-ts/lib/Either.js'
import type { Next, Pick, Selector } from 'millrace/selector'
import { marbles } from 'millrace/testing'
import { map, type Observable, type OperatorFunction, pipe, withLatestFrom } from 'rxjs'
import { outcomeOfText, snapshotOfText } from './texts.js'

/** Snapshots, as texts that a diagram can show. */
const SNAPSHOTS = {
  ...{ s: 'a b c', t: 'a b c stale', o: 'a', d: 'd', n: 'none', u: 'a b', M: 'a@elsewhere b c' },
  w: 'a:weight=1 b:weight=3 c:weight=0',
  v: 'a:weight=0 b:weight=0',
  i: 'a:weight=-1 b:weight=heavy c:weight=Infinity',
}

/** Nodes that a call has tried, or its key. */
const TRIED = { p: 'none', q: 'a', r: 'a b c', k: 'key=k', l: 'key=l', m: 'key=m' }

/** How calls to nodes ended: refused, well after 1 ms, well after 50 ms, badly, cancelled, by the caller's fault, refused because it is busy, without a message. */
const OUTCOMES = {
  ...{ a: 'a refused', b: 'b refused', c: 'c refused' },
  ...{ A: 'a ok', B: 'b ok', C: 'c ok' },
  ...{ D: 'a ok 50', E: 'b ok 50', F: 'c ok 50' },
  ...{ x: 'a broken', y: 'b broken', z: 'c broken' },
  ...{ k: 'a cancelled 50', i: 'a invalid', f: 'a busy', q: 'a quiet' },
}

/** What goes into a selector, and what is picked. */
export interface PickLanes {
  readonly snapshots: string
  readonly outcomes?: string
  readonly picks: string
  /** Ids of what was picked; `n` is `no_endpoint`, `x` is `strategy_failed`. */
  readonly picked: string
  /** When it is subscribed. @default as long as `picked` is drawn */
  readonly subscribed?: string
}

/** Expects that the selector picks as drawn, and that it is subscribed to snapshots as long as it is itself. */
export function checkPicks(selector: Selector, lanes: PickLanes): void {
  const { snapshots, outcomes = '', picks, picked, subscribed = `^${picked.replace(/./g, '-')}!` } = lanes
  marbles(({ hot, runtime, expectObservable, expectSubscriptions }) => {
    const snapshot$ = hot(snapshots, SNAPSHOTS)
    const outcome$ = hot(outcomes, OUTCOMES)
    const pick$ = hot(picks, TRIED)

    const next$ = snapshot$.pipe(
      map(snapshotOfText),
      selector({ runtime, outcomes$: outcome$.pipe(map(outcomeOfText)) }),
    )
    const picked$ = pick$.pipe(pickFrom(next$))

    expectObservable(picked$, subscribed).toBe(picked)
    expectSubscriptions(snapshot$).toBe(subscribed)
  })
}

function pickFrom(next$: Observable<Next>): OperatorFunction<string, string> {
  return pipe(
    withLatestFrom(next$),
    map(([tried, next]) => next(pickOf(tried))),
    map(
      E.match(
        ({ reason }) => (reason === 'no_endpoint' ? 'n' : 'x'),
        ({ id }) => id,
      ),
    ),
  )
}

function pickOf(tried: string): Pick {
  if (tried.startsWith('key=')) return { key: tried.slice(4) }
  return tried === 'none' ? {} : { exclude: new Set(tried.split(' ')) }
}
