import fc from 'fast-check'
import type { Node, Service, Snapshot } from 'millrace/registry'
import type { FilteredSnapshot } from 'millrace/selector'
import { of, type OperatorFunction } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { idsOf, nodeOf, serviceOf, snapshotOf } from '../selector/snapshots.js'
import { first } from './first.js'

/** A filter, and what it is to keep. */
export interface FilterScenario {
  readonly filter: OperatorFunction<Snapshot, Snapshot>
  keeps(node: Node, service: Service, snapshot: Snapshot): boolean
}

/** Something that holds for every filter. It throws when it does not, with the smallest snapshot. */
export interface FilterLaw {
  readonly title: string
  run(scenario: FilterScenario): void
}

const node = fc
  .record({ id: fc.constantFrom('a', 'b', 'c', 'd', 'e'), zone: fc.constantFrom('eu', 'us', undefined) })
  .map(({ id, zone }): Node => ({ id, address: `${id}.test:1`, metadata: zone === undefined ? {} : { zone } }))

const service = fc
  .record({
    version: fc.constantFrom('1.0.0', '1.2.0', '2.0.0', 'latest'),
    nodes: fc.uniqueArray(node, { minLength: 1, maxLength: 4, selector: ({ id }) => id }),
    endpoints: fc.subarray(['words.count', 'words.tally']),
  })
  .map(({ version, nodes, endpoints }) => serviceOf(version, nodes, endpoints))

/** Snapshots that an earlier filter may have taken nodes out of. */
const snapshots: fc.Arbitrary<FilteredSnapshot> = fc
  .record({
    services: fc.uniqueArray(service, { maxLength: 3, selector: ({ version }) => version }),
    leftOut: fc.constantFrom([], [{ why: 'asleep', nodes: [{ node: nodeOf('asleep'), version: '1.0.0' }] }]),
  })
  .map(({ services, leftOut }) => ({ ...snapshotOf(...services), ...(leftOut.length > 0 && { leftOut }) }))

/** What a filter makes of a snapshot, at once. */
function filtered(filter: FilterScenario['filter'], snapshot: Snapshot): FilteredSnapshot {
  const emitted: FilteredSnapshot[] = []
  of(snapshot)
    .pipe(filter)
    .subscribe(each => emitted.push(each))
  expect(emitted).toHaveLength(1)
  return first(emitted)
}

function law(title: string, holds: (snapshot: FilteredSnapshot, scenario: FilterScenario) => void): FilterLaw {
  return {
    title,
    run: scenario =>
      fc.assert(
        fc.property(snapshots, snapshot => holds(snapshot, scenario)),
        { seed: 4, numRuns: 50 },
      ),
  }
}

/** The laws, one reason to fail each. */
export const filterLaws: readonly FilterLaw[] = [
  law('keeps what its rule keeps, in order', (snapshot, { filter, keeps }) => {
    const kept = snapshot.services.flatMap(each =>
      each.nodes.filter(one => keeps(one, each, snapshot)).map(({ id }) => id),
    )

    expect(idsOf(filtered(filter, snapshot))).toEqual(kept)
  }),
  law('leaves no service without nodes', (snapshot, { filter }) => {
    for (const { nodes } of filtered(filter, snapshot).services) expect(nodes).not.toEqual([])
  }),
  law('counts what it takes', (snapshot, { filter }) => {
    const after = filtered(filter, snapshot)

    const { leftOut: before = [] } = snapshot
    const { leftOut = [] } = after
    const counted = leftOut.slice(before.length).map(({ nodes }) => nodes.length)
    expect(leftOut.slice(0, before.length)).toEqual(before)
    expect(counted.reduce((sum, nodes) => sum + nodes, 0)).toBe(idsOf(snapshot).length - idsOf(after).length)
    expect(counted).not.toContain(0)
  }),
  law('gives the same snapshot when it takes nothing', (snapshot, { filter }) => {
    const once = filtered(filter, snapshot)

    expect(filtered(filter, once)).toBe(once)
  }),
  law('keeps age and staleness', (snapshot, { filter }) => {
    expect(filtered(filter, { ...snapshot, asOf: -7, stale: true })).toMatchObject({ asOf: -7, stale: true })
  }),
  law('changes nothing that it is given', (snapshot, { filter }) => {
    const before = structuredClone(snapshot)

    filtered(filter, snapshot)

    expect(snapshot).toEqual(before)
  }),
]

/** Runs the laws as specs of a filter. */
export function testFilterLaws(name: string, scenario: FilterScenario): void {
  describe(name, () => {
    for (const each of filterLaws) it(each.title, () => each.run(scenario))
  })
}
