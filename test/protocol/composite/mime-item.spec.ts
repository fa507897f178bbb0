import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteWriter } from '../../../src/protocol/rsocket/byte-writer.js'
import { readMimeItem, writeMimeItem } from '../../../src/protocol/rsocket/composite/mime-item.js'
import { mimeTypeOf } from '../../../src/protocol/rsocket/composite/mime-types.js'
import { fromHex, joined } from '../../support/raw-frame.js'
import { thrownBy } from '../../support/thrown-by.js'

const refused = { code: 'INVALID_ARGUMENT', reason: 'invalid_metadata' }

function written(mimeType: string): Uint8Array {
  const writer = new ByteWriter()
  writeMimeItem(writer, mimeType)
  return writer.bytes()
}

describe('writeMimeItem', () => {
  it('writes an id, or a length and a name', () => {
    expect(['application/json', 'x/y'].map(written)).toEqual([fromHex('85'), fromHex('02782f79')])
  })

  it.each([
    ['no name', ''],
    ['129 characters', 'x'.repeat(129)],
    ['a letter beyond ASCII', 't\u00ebxt/plain'],
    ['a line break', 'text/plain\n'],
  ])('refuses %s', (_, name) => {
    expect(thrownBy(() => written(name))).toMatchObject(refused)
  })
})

describe('readMimeItem', () => {
  it('reads what was written, amid other bytes', () => {
    const types = fc.oneof(
      fc.stringMatching(/^[!-~]{1,128}$/),
      fc.nat(0x2a).map(id => mimeTypeOf(id) ?? ''),
    )
    const property = fc.property(types, mimeType => {
      const bytes = written(mimeType)

      expect(readMimeItem(joined([9], bytes, [9]), 1, 1 + bytes.length)).toEqual({ mimeType, end: 1 + bytes.length })
    })

    fc.assert(property, { seed: 11, numRuns: 200 })
  })

  it('has no name for an id without a meaning', () => {
    expect(readMimeItem(fromHex('ab'), 0, 1)).toEqual({ mimeType: undefined, end: 1 })
  })

  it.each([
    ['no bytes', ''],
    ['a name cut short', '02782f'],
    ['a name that is not ASCII', '02782fff'],
  ])('refuses %s', (_, hex) => {
    expect(thrownBy(() => readMimeItem(fromHex(hex), 0, hex.length / 2))).toMatchObject(refused)
  })
})
