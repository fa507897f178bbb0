import * as E from 'fp-ts/lib/Either.js'
import type { RpcError } from 'millrace/core'
import type { Node, Snapshot } from 'millrace/registry'
import type { Next, Outcome, Pick, Selector } from 'millrace/selector'
import { marbles } from 'millrace/testing'
import { map, withLatestFrom } from 'rxjs'
import { nodeOf, serviceOf, snapshotOf } from './snapshots.js'

/** Snapshots by what is in them: `s` the nodes a, b and c, `o` only a, `d` only d, `n` none; `t` is a stale `s`. */
const SNAPSHOTS: { readonly [marble: string]: Snapshot } = {
  s: snapshotOf(serviceOf('1.0.0', ['a', 'b', 'c'])),
  t: { ...snapshotOf(serviceOf('1.0.0', ['a', 'b', 'c'])), stale: true },
  o: snapshotOf(serviceOf('1.0.0', ['a'])),
  d: snapshotOf(serviceOf('1.0.0', ['d'])),
  n: snapshotOf(),
}

/** `p` a first try, `q` a second one after a, `r` one when a, b and c were tried. */
const PICKS: { readonly [marble: string]: Pick } = {
  p: {},
  q: { exclude: new Set(['a']) },
  r: { exclude: new Set(['a', 'b', 'c']) },
}

/** Lower case: the node refused. Upper case: a call to it ended well. */
const OUTCOMES: { readonly [marble: string]: Outcome } = {
  a: { node: nodeOf('a'), result: 'UNAVAILABLE', reason: 'connect_failed', latencyMs: 1 },
  b: { node: nodeOf('b'), result: 'UNAVAILABLE', reason: 'connect_failed', latencyMs: 1 },
  c: { node: nodeOf('c'), result: 'UNAVAILABLE', reason: 'connect_failed', latencyMs: 1 },
  A: { node: nodeOf('a'), result: 'ok', latencyMs: 1 },
}

/** What goes into a selector, and what is picked. */
export interface PickLanes {
  readonly snapshots: string
  readonly outcomes?: string
  readonly picks: string
  /** Ids of what was picked; `n` is `no_endpoint`, `x` is `strategy_failed`. */
  readonly picked: string
  /** When it is subscribed. @default for two seconds from the start */
  readonly subscribed?: string
}

/** Expects that the selector picks as drawn, and that it is subscribed to snapshots as long as it is itself. */
export function checkPicks(selector: Selector, lanes: PickLanes): void {
  const { snapshots, outcomes = '', picks, picked, subscribed = '^ 2s !' } = lanes
  marbles(({ hot, runtime, expectObservable, expectSubscriptions }) => {
    const snapshot$ = hot(snapshots, SNAPSHOTS)
    const outcome$ = hot(outcomes, OUTCOMES)
    const pick$ = hot(picks, PICKS)

    const next$ = snapshot$.pipe(selector({ runtime, outcomes$: outcome$ }))
    const picked$ = pick$.pipe(withLatestFrom(next$), map(letterOf))

    expectObservable(picked$, subscribed).toBe(picked)
    expectSubscriptions(snapshot$).toBe(subscribed)
  })
}

function letterOf([pick, next]: [Pick, Next]): string {
  return E.match<RpcError, Node, string>(
    ({ reason }) => (reason === 'no_endpoint' ? 'n' : 'x'),
    ({ id }) => id,
  )(next(pick))
}
