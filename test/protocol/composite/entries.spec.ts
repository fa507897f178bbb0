import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteWriter } from '../../../src/protocol/rsocket/byte-writer.js'
import { MAX_ENTRIES, readEntries, writeEntry } from '../../../src/protocol/rsocket/composite/entries.js'
import { mimeTypeOf } from '../../../src/protocol/rsocket/composite/mime-types.js'
import { fromHex, joined } from '../../support/raw-frame.js'
import { thrownBy } from '../../support/thrown-by.js'

const refused = { code: 'INVALID_ARGUMENT', reason: 'invalid_metadata' }
const types = fc.oneof(
  fc.stringMatching(/^[!-~]{1,128}$/),
  fc.nat(0x2a).map(id => mimeTypeOf(id) ?? ''),
)

type Entry = readonly [mimeType: string, content: Uint8Array]

function written(entries: readonly Entry[]): Uint8Array {
  const writer = new ByteWriter()
  for (const [mimeType, content] of entries) writeEntry(writer, mimeType, content)
  return writer.bytes()
}

function read(bytes: Uint8Array, start = 0, end = bytes.length): Entry[] {
  const entries: Entry[] = []
  readEntries(bytes, start, end, (mimeType, source, from, to) => entries.push([mimeType, source.subarray(from, to)]))
  return entries
}

describe('writeEntry', () => {
  it('writes the golden entries', () => {
    const bytes = written([
      ['message/x.rsocket.routing.v0', fromHex('03612e62')],
      ['x/y', fromHex('7a')],
    ])

    expect(bytes).toEqual(fromHex('fe00000403612e6202782f790000017a'))
  })
})

describe('readEntries', () => {
  it('reads entries as they were written, amid other bytes', () => {
    const entries = fc.array(fc.tuple(types, fc.uint8Array({ maxLength: 300 })), { maxLength: MAX_ENTRIES })
    const property = fc.property(entries, all => {
      const bytes = written(all)

      expect(read(joined([1, 2, 3], bytes, [4]), 3, 3 + bytes.length)).toEqual(all)
    })

    fc.assert(property, { seed: 12, numRuns: 100 })
  })

  it('passes over ids without a meaning', () => {
    const entries = read(fromHex('ab00000101fe00000403612e62'))

    expect(entries).toEqual([['message/x.rsocket.routing.v0', fromHex('03612e62')]])
  })

  it('takes a well-known name that is spelled out', () => {
    const spelled = joined([15], new TextEncoder().encode('application/json'), [0, 0, 0])

    expect(read(spelled)).toEqual([['application/json', new Uint8Array()]])
  })

  it.each([
    ['a MIME type cut short', '02782f'],
    ['no length', 'fe'],
    ['a length cut short', 'fe0000'],
    ['content cut short', 'fe00000403612e'],
    ['a length of 16 MB', 'feffffff00'],
    ['a second entry cut short', 'fe0000000278'],
    ['one entry too many', '85000000'.repeat(MAX_ENTRIES + 1)],
    ['too many ids without a meaning', 'ab000000'.repeat(MAX_ENTRIES + 1)],
  ])('refuses %s', (_, hex) => {
    expect(thrownBy(() => read(fromHex(hex)))).toMatchObject(refused)
  })
})
