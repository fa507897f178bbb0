import type { Node, Snapshot } from 'millrace/registry'
import { avoidRefused, type AvoidRefusedOptions, type Outcome } from 'millrace/selector'
import { marbles } from 'millrace/testing'
import { map } from 'rxjs'
import { describe, it } from 'vitest'
import { idsOf, nodeOf, serviceOf, snapshotOf } from '../../test/selector/snapshots.js'

const moved: Node = { id: 'a', address: 'elsewhere.test:1', metadata: {} }

/** Lower case: the nodes a, b and c. Upper case: others. */
const SNAPSHOTS: { readonly [marble: string]: Snapshot } = {
  s: snapshotOf(serviceOf('1.0.0', ['a', 'b', 'c'])),
  t: snapshotOf(serviceOf('1.0.0', ['a', 'b', 'c'])),
  M: snapshotOf(serviceOf('1.0.0', [moved, 'b', 'c'])),
  L: snapshotOf(serviceOf('1.0.0', ['b', 'c'])),
  N: snapshotOf(),
}

/** Lower case: the node refused. Upper case: a call to it ended well. x: another error, z: the caller left. */
const OUTCOMES: { readonly [marble: string]: Outcome } = {
  a: refused('a'),
  b: refused('b'),
  c: refused('c'),
  A: { node: nodeOf('a'), result: 'ok', latencyMs: 1 },
  x: { node: nodeOf('b'), result: 'UNAVAILABLE', reason: 'connection_closed', latencyMs: 1 },
  z: { node: nodeOf('b'), result: 'cancelled', latencyMs: 1 },
}

/** Nodes that are left in. */
const LEFT: { readonly [marble: string]: string } = {
  o: 'a b c',
  a: 'a',
  b: 'b',
  c: 'c',
  x: 'b c',
  y: 'a c',
  z: 'a b',
  n: '',
}

function refused(id: string): Outcome {
  return { node: nodeOf(id), result: 'UNAVAILABLE', reason: 'connect_failed', latencyMs: 1 }
}

interface Lanes {
  readonly snapshots: string
  readonly outcomes: string
  readonly left: string
  /** @default the end of the longest lane */
  readonly unsubscribed?: string
  /** When outcomes are subscribed. @default until it is unsubscribed */
  readonly learning?: string
  readonly options?: AvoidRefusedOptions
}

/** Two lanes go in, the lane of nodes that are left in is compared. Cool-downs are of 5 to 12 ms. */
function check({
  snapshots,
  outcomes,
  left,
  options,
  unsubscribed = `${'-'.repeat(left.length)}!`,
  learning,
}: Lanes): void {
  marbles(({ hot, runtime, expectObservable, expectSubscriptions }) => {
    const snapshot$ = hot(snapshots, SNAPSHOTS)
    const outcomes$ = hot(outcomes, OUTCOMES)
    const window = unsubscribed.replace('-', '^')

    const left$ = snapshot$.pipe(
      avoidRefused({ runtime, outcomes$ }, { coolDownMs: 5, maxCoolDownMs: 12, ...options }),
      map(snapshot => idsOf(snapshot).join(' ')),
    )

    expectObservable(left$, window).toBe(left, LEFT)
    expectSubscriptions(snapshot$).toBe(window)
    expectSubscriptions(outcomes$).toBe(learning ?? window)
  })
}

describe('avoidRefused', () => {
  it('leaves a node out for its cool-down', () => {
    check({
      snapshots: 's---------',
      outcomes: ' --a-------',
      left: '     o-x----o--',
    })
  })

  it('doubles the cool-down up to its maximum', () => {
    check({
      snapshots: 's-------------------------------------------------',
      outcomes: ' -a------a-----------a-------------a---------------',
      left: '     ox----o-x---------o-x-----------o-x-----------o---',
    })
  })

  it('does not count refusals of calls already under way', () => {
    check({
      snapshots: 's---------------------',
      outcomes: ' -(aaa)--a-------------',
      left: '     ox----o-x---------o---',
    })
  })

  it('renews the cool-down of a node that refuses during it', () => {
    check({
      snapshots: 's-----------',
      outcomes: ' -a--a------',
      left: '     ox-------o--',
    })
  })

  it('takes a node back when a call ends well', () => {
    check({
      snapshots: 's----------------',
      outcomes: ' -a-A-----a-------',
      left: '     ox-o-----x----o--',
    })
  })

  it('takes a node back when a snapshot changes it', () => {
    check({
      snapshots: 's--M-----',
      outcomes: ' -a-------',
      left: '     ox-o-----',
    })
  })

  it('keeps out a node that a snapshot does not change', () => {
    check({
      snapshots: 's--t-----',
      outcomes: ' -a-------',
      left: '     ox-x--o--',
    })
  })

  it('ignores a late refusal of an address that has changed', () => {
    check({
      snapshots: 's-M------',
      outcomes: ' ---a-----',
      left: '     o-o------',
    })
  })

  it('forgets a node that was gone', () => {
    check({
      snapshots: 's--Ls-----',
      outcomes: ' -a--------',
      left: '     ox-xo-----',
    })
  })

  it('leaves in the node whose refusal is longest ago', () => {
    check({
      snapshots: 's----------------',
      outcomes: ' -a-b-ca----------',
      left: '     ox-c-ab----------',
      options: { coolDownMs: 100, maxCoolDownMs: 100 },
    })
  })

  it('ignores other errors and cancellation', () => {
    check({
      snapshots: 's-----',
      outcomes: ' --x-z-',
      left: '     o-----',
    })
  })

  it('says nothing before the first snapshot', () => {
    check({
      snapshots: '---s-----',
      outcomes: ' -a-------',
      left: '     ---x--o--',
    })
  })

  it('goes on when the outcomes fail', () => {
    check({
      snapshots: 's-------L----',
      outcomes: ' -a-#---------',
      left: '     ox----o-x----',
      learning: ' ^--!',
    })
  })

  it('passes an empty snapshot on', () => {
    check({
      snapshots: 's--N--',
      outcomes: ' -a----',
      left: '     ox-n--',
    })
  })

  it('stops its timer when unsubscribed', () => {
    check({
      snapshots: '   s---------',
      outcomes: '    -a--------',
      left: '        ox--------',
      unsubscribed: '---!',
    })
  })
})
