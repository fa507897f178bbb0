import type { Node, Snapshot } from 'millrace/registry'
import { avoidRefused, roundRobin, type Outcome } from 'millrace/selector'
import { marbles } from 'millrace/testing'
import { pipe } from 'rxjs'
import { describe, it } from 'vitest'

const [a, b] = ['a', 'b'].map((id): Node => ({ id, address: `memory:${id}`, metadata: {} })) as [Node, Node]
const both: Snapshot = {
  services: [{ name: 'words', version: '1.0.0', metadata: {}, endpoints: [], nodes: [a, b] }],
  asOf: 0,
  stale: false,
}
const refused: Outcome = { node: a, result: 'UNAVAILABLE', reason: 'connect_failed', latencyMs: 1 }
const nobody: Snapshot = { services: [], asOf: 0, stale: false }

describe('givenSelector', () => {
  it('picks by snapshots and outcomes', () => {
    marbles(({ givenSelector }) => {
      const { snapshots, outcomes, picks, expectPicks } = givenSelector(context =>
        pipe(avoidRefused(context), roundRobin(context)),
      )
      snapshots('   s---------n', { s: both, n: nobody })
      outcomes('    -----r', { r: refused })
      picks('       -p-p-p-p-p-p')
      expectPicks(
        ' -b-a-b-b-b-e',
        { a: 'a', b: 'b', e: { code: 'UNAVAILABLE', reason: 'no_endpoint' } },
        '^------------!',
      )
    })
  })
})
