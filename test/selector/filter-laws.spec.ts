import type { Node, Service, Snapshot } from 'millrace/registry'
import { filterNodes, type FilteredSnapshot } from 'millrace/selector'
import { map, type OperatorFunction } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { filterLaws } from '../support/filter-laws.js'

const inEurope = ({ metadata }: Node): boolean => metadata['zone'] === 'eu'

const keep = (
  services: (snapshot: FilteredSnapshot) => Partial<FilteredSnapshot>,
): OperatorFunction<Snapshot, Snapshot> => map(snapshot => ({ ...snapshot, ...services(snapshot) }))

const europeOf = (service: Service): Service => ({ ...service, nodes: service.nodes.filter(inEurope) })

/** For each law, a filter of zones that breaks it. */
const broken: { readonly [title: string]: OperatorFunction<Snapshot, Snapshot> } = {
  'keeps what its rule keeps, in order': filterNodes('of the Old World', () => true),
  'leaves no service without nodes': keep(({ services }) => ({ services: services.map(europeOf) })),
  'counts what it takes': keep(({ services }) => ({
    services: services.map(europeOf).filter(({ nodes }) => nodes.length > 0),
  })),
  'gives the same snapshot when it takes nothing': keep(() => ({})),
  'keeps age and staleness': keep(() => ({ stale: false })),
  'changes nothing that it is given': map(snapshot => {
    for (const { nodes } of snapshot.services) (nodes as Node[]).pop()
    return snapshot
  }),
}

describe('filterLaws', () => {
  it.each(filterLaws.map(law => [law.title, law] as const))('notices who breaks “%s”', (title, law) => {
    const filter = broken[title]

    expect(() => filter && law.run({ filter, keeps: inEurope })).toThrow(/Property failed/)
  })
})
