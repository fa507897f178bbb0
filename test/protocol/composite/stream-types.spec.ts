import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteWriter } from '../../../src/protocol/rsocket/byte-writer.js'
import { writeMimeItem } from '../../../src/protocol/rsocket/composite/mime-item.js'
import {
  MAX_ACCEPT_TYPES,
  readAcceptTypes,
  readStreamType,
} from '../../../src/protocol/rsocket/composite/stream-types.js'
import { fromHex, joined } from '../../support/raw-frame.js'
import { thrownBy } from '../../support/thrown-by.js'

const refused = { code: 'INVALID_ARGUMENT', reason: 'invalid_metadata' }

describe('readStreamType', () => {
  it.each([
    ['application/json', '85'],
    ['x/y', '02782f79'],
    ['0xab', 'ab'],
  ])('reads %s', (mimeType, hex) => {
    expect(readStreamType(fromHex(hex), 0, hex.length / 2)).toBe(mimeType)
  })

  it.each([
    ['no bytes', ''],
    ['a name cut short', '02782f'],
    ['two types', '8585'],
  ])('refuses %s', (_, hex) => {
    expect(thrownBy(() => readStreamType(fromHex(hex), 0, hex.length / 2))).toMatchObject(refused)
  })
})

describe('readAcceptTypes', () => {
  it('reads ids and names', () => {
    const bytes = fromHex('8502782f79ab')

    expect(readAcceptTypes(bytes, 0, bytes.length)).toEqual(['application/json', 'x/y', '0xab'])
  })

  it('reads what was written, amid other bytes', () => {
    const property = fc.property(
      fc.array(fc.stringMatching(/^[!-~]{1,128}$/), { maxLength: MAX_ACCEPT_TYPES }),
      accepted => {
        const writer = new ByteWriter()
        for (const type of accepted) writeMimeItem(writer, type)
        const bytes = writer.bytes()

        expect(readAcceptTypes(joined([9], bytes, [9]), 1, 1 + bytes.length)).toEqual(accepted)
      },
    )

    fc.assert(property, { seed: 21, numRuns: 100 })
  })

  it.each([
    ['a name cut short', '8502782f'],
    ['one type too many', '85'.repeat(MAX_ACCEPT_TYPES + 1)],
  ])('refuses %s', (_, hex) => {
    expect(thrownBy(() => readAcceptTypes(fromHex(hex), 0, hex.length / 2))).toMatchObject(refused)
  })
})
