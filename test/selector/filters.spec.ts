import { filterEndpoint, filterLabel, filterNodes, filterVersion, type FilteredSnapshot } from 'millrace/selector'
import type { Snapshot } from 'millrace/registry'
import { firstValueFrom, of, type OperatorFunction } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { idsOf, nodeOf, serviceOf, snapshotOf } from './snapshots.js'

const snapshot = snapshotOf(
  serviceOf('1.0.0', [nodeOf('a', { zone: 'eu' }), nodeOf('b', { zone: 'us' })], ['words.count']),
  serviceOf('1.2.0', [nodeOf('c', { zone: 'eu' }), nodeOf('d')], ['words.count', 'words.tally']),
)

function filtered(...filters: readonly OperatorFunction<Snapshot, Snapshot>[]): Promise<FilteredSnapshot> {
  return firstValueFrom(filters.reduce((source, filter) => source.pipe(filter), of(snapshot)))
}

describe('filterLabel', () => {
  it('keeps nodes with the value', async () => {
    expect(idsOf(await filtered(filterLabel('zone', 'eu')))).toEqual(['a', 'c'])
  })

  it('takes no inherited property for a label', async () => {
    expect(idsOf(await filtered(filterLabel('constructor', String(Object))))).toEqual([])
  })
})

describe('filterVersion', () => {
  it('keeps services in the range', async () => {
    expect(idsOf(await filtered(filterVersion('^1.1')))).toEqual(['c', 'd'])
  })

  it('leaves out services without nodes', async () => {
    expect((await filtered(filterVersion('1.0.0'))).services).toHaveLength(1)
  })
})

describe('filterEndpoint', () => {
  it('keeps services that answer the endpoint', async () => {
    expect(idsOf(await filtered(filterEndpoint('words.tally')))).toEqual(['c', 'd'])
  })
})

describe('filterNodes', () => {
  it('counts what each filter took, in order', async () => {
    const { leftOut } = await filtered(filterLabel('zone', 'eu'), filterVersion('2.x'))

    const taken = leftOut?.map(({ why, nodes }) => ({ why, ids: nodes.map(({ node }) => node.id) }))
    expect(taken).toEqual([
      { why: 'without label zone=eu', ids: ['b', 'd'] },
      { why: 'of another version than 2.x', ids: ['a', 'c'] },
    ])
  })

  it('gives the same snapshot when every node stays', async () => {
    expect(await filtered(filterNodes('asleep', () => true))).toBe(snapshot)
  })
})
