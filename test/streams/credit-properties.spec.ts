import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hop } from '../support/hop.js'
import { execute, programs, runsToItsEnd, type Cross } from '../support/operator-graphs.js'
import { simulate } from '../support/simulate.js'
import { wireHop } from '../support/wire-hop.js'

/** How streams cross, how many programs to run and how many hops they have at most. */
const crossings: readonly [string, Cross, { readonly runs: number; readonly hops: number }][] = [
  ['pumps and windows', (source, runtime, { window }) => hop(source, { runtime, window, onStalled() {} }), { runs: 150, hops: 4 }], // prettier-ignore
  ['engines', (source, runtime, spec) => wireHop(source, { runtime, ...spec }), { runs: 80, hops: 3 }],
]

describe('credit', () => {
  it.each(crossings)('over %s is neither lost nor doubled', (_, cross, { runs, hops }) => {
    fc.assert(
      fc.property(programs(hops), program => {
        const report = simulate(runtime => execute(program, runtime, cross))

        if (runsToItsEnd(program)) expect(report).toMatchObject({ error: undefined, completed: true })
        for (const { books, bound } of report.hops) {
          expect(books).toMatchObject({ consumed: books.arrived, doubled: 0, uncredited: 0 })
          expect(books.ahead).toBeLessThanOrEqual(bound)
        }
      }),
      { seed: 20_240, numRuns: runs },
    )
  })
})
