import type { Explanation, Next } from 'millrace/selector'
import { marbles } from 'millrace/testing'
import { map, tap } from 'rxjs'
import { describe, it } from 'vitest'
import { explainChanges } from '../../src/actors/explain-changes.js'
import { nodeOf } from '../../test/selector/snapshots.js'
import { outcomeOfText, snapshotOfText } from '../../test/selector/texts.js'
import { explain } from '../../src/selector/explain.js'

interface Lanes {
  /** Which nodes may be picked: `s` a and b, `a` a alone, `t` a and b and the registry is stale. */
  readonly nexts: string
  /** `A`: a call to node a has ended, and is counted. `k`: so has one that is not. */
  readonly outcomes: string
  /** What is told: ids and counts, `2`: of a 2. */
  readonly tables: string
  /** @default it is not */
  readonly left?: string
}

const SNAPSHOTS = { s: 'a b', a: 'a', t: 'a b stale' }
const OUTCOMES = { A: 'a ok', k: 'b ok' }
const TABLES = { s: 'a 0, b 0', a: 'a 0', t: 'a 0, b 0, stale', 2: 'a 2, b 0', 3: 'a 3, b 0' }

function check({ nexts, outcomes, tables, left }: Lanes): void {
  marbles(({ hot, runtime, expectObservable, expectSubscriptions }) => {
    let calls = 0
    const next$ = hot(nexts, SNAPSHOTS)
    const outcome$ = hot(outcomes, OUTCOMES)
    const counted$ = outcome$.pipe(
      map(outcomeOfText),
      tap(({ node }) => (calls += node.id === 'a' ? 1 : 0)),
    )

    const table$ = explainChanges({
      next$: next$.pipe(map(nextOf)),
      outcomes$: counted$,
      explain: next =>
        explain(next, {
          service: 'words',
          given: snapshotOfText('none'),
          picked: ({ id }) => (id === 'a' ? calls : 0),
        }),
      scheduler: runtime.scheduler,
    }).pipe(map(textOf))

    expectObservable(table$, left).toBe(tables, TABLES)
    if (left !== undefined) expectSubscriptions(next$).toBe(left)
  })
}

/** Nobody picks here. */
function nextOf(snapshot: string): Next {
  return Object.assign(() => ({ _tag: 'Right', right: nodeOf('a') }) as const, { from: snapshotOfText(snapshot) })
}

function textOf({ nodes, stale }: Explanation): string {
  return [...nodes.map(({ node, picked }) => `${node.id} ${picked}`), ...(stale ? ['stale'] : [])].join(', ')
}

describe('explainChanges', () => {
  it('tells at once which nodes can be picked', () => {
    check({
      nexts: '   s--a--t',
      outcomes: '',
      tables: '  s--a--t',
    })
  })

  it('tells what calls change once a second', () => {
    check({
      nexts: '   s',
      outcomes: '--AA 1000ms ----A',
      tables: '  s 1001ms 2 1005ms 3',
    })
  })

  it('tells nothing that is as before', () => {
    check({
      nexts: '   s---s',
      outcomes: '--k',
      tables: '  s',
    })
  })

  it('ends when calls and picks have', () => {
    check({
      nexts: '   s--|',
      outcomes: '-----|',
      tables: '  s----|',
    })
  })

  it('lets go when it is unsubscribed', () => {
    check({
      nexts: '   s------a',
      outcomes: '---A',
      tables: '  s',
      left: '    ^----!',
    })
  })
})
