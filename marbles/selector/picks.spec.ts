import * as E from 'fp-ts/lib/Either.js'
import type { Snapshot } from 'millrace/registry'
import {
  defaultSelector,
  filterLabel,
  type Next,
  type Outcome,
  type Pick,
  random,
  roundRobin,
  type Selector,
} from 'millrace/selector'
import { marbles } from 'millrace/testing'
import { map, pipe, withLatestFrom } from 'rxjs'
import { describe, it } from 'vitest'
import { nodeOf, serviceOf, snapshotOf } from '../../test/selector/snapshots.js'

const SNAPSHOTS: { readonly [marble: string]: Snapshot } = {
  s: snapshotOf(serviceOf('1.0.0', ['a', 'b', 'c'])),
  /** The same, and the registry fails. */
  t: { ...snapshotOf(serviceOf('1.0.0', ['a', 'b', 'c'])), stale: true },
  d: snapshotOf(serviceOf('1.0.0', ['d'])),
  n: snapshotOf(),
}

const PICKS: { readonly [marble: string]: Pick } = {
  p: {},
  /** A second try: a was tried already. */
  q: { exclude: new Set(['a']) },
}

const OUTCOMES: { readonly [marble: string]: Outcome } = {
  a: { node: nodeOf('a'), result: 'UNAVAILABLE', reason: 'connect_failed', latencyMs: 1 },
  c: { node: nodeOf('c'), result: 'UNAVAILABLE', reason: 'connect_failed', latencyMs: 1 },
}

interface Lanes {
  readonly snapshots: string
  readonly outcomes?: string
  readonly picks: string
  /** Ids of what was picked; `n` is `no_endpoint`. */
  readonly picked: string
}

function check(selector: Selector, { snapshots, outcomes = '', picks, picked }: Lanes): void {
  marbles(({ hot, runtime, expectObservable }) => {
    const outcomes$ = hot(outcomes, OUTCOMES)
    const next$ = hot(snapshots, SNAPSHOTS).pipe(selector({ runtime, outcomes$ }))

    const picked$ = hot(picks, PICKS).pipe(
      withLatestFrom(next$),
      map(([pick, next]: [Pick, Next]) => next(pick)),
      map(
        E.match(
          ({ reason }) => (reason === 'no_endpoint' ? 'n' : reason),
          ({ id }) => id,
        ),
      ),
    )

    expectObservable(picked$, '^ 2s !').toBe(picked)
  })
}

describe('roundRobin', () => {
  it('goes on in turn, over snapshots and stale ones', () => {
    check(roundRobin, {
      snapshots: 's-------t------',
      picks: '    -p-p-p-p-p-p---',
      picked: '   -a-b-c-a-b-c---',
    })
  })

  it('passes over a node that was tried', () => {
    check(roundRobin, {
      snapshots: 's--------------',
      picks: '    -q-q-q-q-------',
      picked: '   -c-b-c-b-------',
    })
  })

  it('goes with the newest snapshot', () => {
    check(roundRobin, {
      snapshots: 's--d--n--s-----',
      picks: '    -p--p--p--p----',
      picked: '   -a--d--n--c----',
    })
  })
})

describe('random', () => {
  it('draws from the seed', () => {
    check(random, {
      snapshots: 's--------------',
      picks: '    -pppppppppppp--',
      picked: '   -bbabbaacaccb--',
    })
  })
})

describe('defaultSelector', () => {
  it('does not pick a node that refused for a second', () => {
    check(defaultSelector, {
      snapshots: 's------------------',
      outcomes: ' -(ac)--------------',
      picks: '    --pppp 1s pppppp---',
      picked: '   --bbbb 1s baacac---',
    })
  })

  it('is for one zone behind a filter', () => {
    check(context => pipe(filterLabel('zone', 'eu'), defaultSelector(context)), {
      snapshots: 's---',
      picks: '    -p--',
      picked: '   -n--',
    })
  })
})
