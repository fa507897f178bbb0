import * as fc from 'fast-check'
import type { Instance } from 'millrace/registry'
import { describe, expect, it } from 'vitest'
import { directory } from '../../src/registry/directory.js'
import { instanceOf } from '../compliance/registry-probe.js'

type Step = { readonly put: Instance } | { readonly remove: readonly [name: string, id: string] }

const name = fc.constantFrom('a', 'B', 'b')
const id = fc.constantFrom('1', '2', '10')
const version = fc.constantFrom('1.0.0', '2.0.0')
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(name, id, version).map(([service, node, label]) => ({ put: instanceOf(service, node, { version: label }) })),
  fc.record({ remove: fc.tuple(name, id) }),
)

describe('Directory', () => {
  it('lists what was put and not removed, in order', () => {
    fc.assert(
      fc.property(fc.array(step), steps => {
        const nodes = directory()
        const model = new Map<string, Instance>()

        for (const each of steps) {
          if ('put' in each) nodes.put(each.put)
          else nodes.remove(...each.remove)
          if ('put' in each) model.set(`${each.put.name} ${each.put.node.id}`, each.put)
          else model.delete(each.remove.join(' '))
        }

        const listed = nodes.listing().all.flatMap(service => service.nodes.map(node => keyOf(service, node.id)))
        expect(listed).toEqual(Array.from(model.values(), instance => keyOf(instance, instance.node.id)).toSorted())
        expect(nodes.size).toBe(model.size)
      }),
      { seed: 1 },
    )
  })

  it('says whether a step changed anything', () => {
    fc.assert(
      fc.property(fc.array(step), steps => {
        const nodes = directory()

        for (const each of steps) {
          const before = nodes.listing()
          const changed = 'put' in each ? nodes.put(each.put) : nodes.remove(...each.remove)
          expect(nodes.listing() !== before).toBe(changed)
        }
      }),
      { seed: 1 },
    )
  })

  it('keeps what a step has not touched', () => {
    const nodes = directory()
    nodes.put(instanceOf('a', '1'))
    const before = nodes.listing().named('a')

    nodes.put(instanceOf('b', '1'))

    expect(nodes.listing().named('a')).toBe(before)
  })
})

function keyOf(service: { readonly name: string; readonly version: string }, node: string): string {
  return `${service.name}\n${service.version}\n${node}`
}
