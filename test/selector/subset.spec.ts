import fc from 'fast-check'
import { systemRuntime } from 'millrace/core'
import { subset } from 'millrace/selector'
import { NEVER, of } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { first } from '../support/first.js'
import { idsOf, serviceOf, snapshotOf } from './snapshots.js'

const SIZE = 5
const context = { runtime: systemRuntime(), outcomes$: NEVER }

function subsetOf(client: string, ids: readonly string[]): readonly string[] {
  const kept: (readonly string[])[] = []
  of(snapshotOf(serviceOf('1.0.0', ids)))
    .pipe(subset(context, { size: SIZE, client }))
    .subscribe(snapshot => kept.push(idsOf(snapshot)))
  return first(kept)
}

const clients = fc.integer().map(number => `client-${number}`)
const clusters = fc.integer({ min: SIZE + 2, max: 60 }).map(count => Array.from({ length: count }, (_, n) => `n${n}`))

describe('subset', () => {
  it('changes one node at most when one leaves', () => {
    fc.assert(
      fc.property(clients, clusters, fc.nat(), (client, ids, index) => {
        const before = subsetOf(client, ids)
        const after = subsetOf(client, ids.toSpliced(index % ids.length, 1))

        expect(after).toHaveLength(SIZE)
        expect(before.filter(id => !after.includes(id)).length).toBeLessThanOrEqual(1)
      }),
      { seed: 3, numRuns: 50 },
    )
  })

  it('puts every node in about as many subsets', () => {
    const ids = Array.from({ length: 50 }, (_, index) => `n${index}`)
    const counts = new Map(ids.map(id => [id, 0]))
    for (let client = 0; client < 2000; client++) {
      for (const id of subsetOf(`host-${client}`, ids)) counts.set(id, (counts.get(id) ?? 0) + 1)
    }

    const even = (2000 * SIZE) / ids.length
    expect(Math.min(...counts.values())).toBeGreaterThan(0.7 * even)
    expect(Math.max(...counts.values())).toBeLessThan(1.3 * even)
  })
})
