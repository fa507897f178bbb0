import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readRoute, routeTag } from '../../../src/protocol/rsocket/composite/routing.js'
import { fromHex, joined } from '../../support/raw-frame.js'
import { thrownBy } from '../../support/thrown-by.js'

const refused = { code: 'INVALID_ARGUMENT', reason: 'invalid_metadata' }

describe('routeTag', () => {
  it('writes the golden route', () => {
    expect(routeTag('a.b')).toEqual(fromHex('03612e62'))
  })

  it.each([
    ['an empty route', ''],
    ['a route of 256 bytes', '\u00e9'.repeat(128)],
  ])('refuses %s', (_, route) => {
    expect(thrownBy(() => routeTag(route))).toMatchObject(refused)
  })
})

describe('readRoute', () => {
  it('reads the first of the tags, amid other bytes', () => {
    const tags = fc.array(fc.string({ unit: 'binary', minLength: 1, maxLength: 63 }), { minLength: 1 })
    const property = fc.property(tags, all => {
      const bytes = joined(...all.map(routeTag))

      expect(readRoute(joined([9], bytes, [9, 9]), 1, 1 + bytes.length)).toBe(all[0])
    })

    fc.assert(property, { seed: 14, numRuns: 100 })
  })

  it.each([
    ['no tags', ''],
    ['an empty route', '000161'],
    ['a route cut short', '0361'],
    ['a route that is not UTF-8', '01ff'],
    ['a second tag cut short', '01610262'],
  ])('refuses %s', (_, hex) => {
    expect(thrownBy(() => readRoute(fromHex(hex), 0, hex.length / 2))).toMatchObject(refused)
  })
})
