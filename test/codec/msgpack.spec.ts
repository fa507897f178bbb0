import * as fc from 'fast-check'
import { msgpack } from 'millrace/codec/msgpack'
import { Packr, unpack } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import { structuredSamples, testCodec } from 'millrace/testing/compliance'

testCodec(
  { describe, it },
  {
    name: 'msgpack',
    codec: msgpack,
    keeps: [
      ...structuredSamples,
      'NaN',
      'Infinity',
      'bigint',
      'unsigned bigint',
      'array with undefined',
      'Uint8Array',
      'Buffer',
      'Date',
    ],
  },
)

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
const read = (hex: string): unknown => {
  const encoded = bytes(hex)
  return msgpack().decodeUnsafe(encoded, 0, encoded.length)
}

describe('msgpack', () => {
  it('writes what the specification says', () => {
    const encoded = msgpack().encode({ a: [1, -1, 300, 1.5, 'é', null, true, 5n], b: new Date(1000) }, 0)

    expect(Buffer.from(encoded).toString('hex')).toBe(
      '82a1619801ffcd012ccb3ff8000000000000a2c3a9c0c3d30000000000000005a162d6ff00000001',
    )
  })

  it('keeps instants to the millisecond', () => {
    const codec = msgpack()
    const instants = fc.oneof(
      fc.date({ noInvalidDate: true }),
      fc.integer().map(ms => new Date(ms)),
    )
    const keeps = fc.property(instants, instant => {
      const encoded = codec.encode(instant, 0)
      expect(codec.decodeUnsafe(encoded, 0, encoded.length)).toEqual(instant)
    })

    fc.assert(keeps, { seed: 1, numRuns: 300 })
  })

  it('keeps strings and names of every length form', () => {
    const codec = msgpack()
    for (const length of [0, 1, 23, 24, 25, 31, 32, 255, 256, 65_535, 65_536]) {
      const value = { [`n${'k'.repeat(length)}`]: 'ü'.repeat(length), ascii: 'a'.repeat(length) }

      const encoded = codec.encode(value, 0)

      expect(codec.decodeUnsafe(encoded, 0, encoded.length)).toEqual(value)
    }
  })

  it('keeps containers of every length form', () => {
    const codec = msgpack()
    for (const length of [15, 16, 65_536]) {
      const list = Array.from({ length }, (_, index) => index)
      const value = { list, fields: Object.fromEntries(list.map(index => [`f${index}`, index])), zero: -0 }

      const encoded = codec.encode(value, 0)

      expect(codec.decodeUnsafe(encoded, 0, encoded.length)).toEqual(value)
    }
  })

  it('reads names that share a slot apart', () => {
    const codec = msgpack()
    const names = Array.from({ length: 5000 }, (_, index) => `field${index}`)
    const value = Object.fromEntries(names.map(name => [name, name]))

    const encoded = codec.encode(value, 0)

    expect(codec.decodeUnsafe(encoded, 0, encoded.length)).toEqual(value)
  })

  it('takes no remembered name for bytes that are not UTF-8', () => {
    const codec = msgpack()
    const latin = bytes('81 a6 f1e9e9e9e980 c0') // the same text in Latin-1, which falls in the same slot
    codec.decode(bytes('81 ac c3b1c3a9c3a9c3a9c3a9c280 c0'))

    expect(() => codec.decodeUnsafe(latin, 0, latin.length)).toThrow('a string that is not UTF-8')
  })

  it('reads what msgpackr reads', () => {
    const codec = msgpack()
    const value = fc.jsonValue({ depthSize: 'medium' })
    const agrees = fc.property(value, sample => {
      const encoded = new Packr({ useRecords: false }).pack(sample)
      expect(codec.decodeUnsafe(encoded, 0, encoded.length)).toEqual(unpack(encoded))
    })

    fc.assert(agrees, { seed: 2, numRuns: 200 })
  })

  it('reads every number form', () => {
    expect(
      read('9b 7f ccff cdffff ceffffffff cf0000000000000001 e0 d080 d18000 d280000000 d3ffffffffffffffff ca3fc00000'),
    ).toEqual([127, 255, 65_535, 4_294_967_295, 1n, -32, -128, -32_768, -2_147_483_648, -1n, 1.5])
  })

  it('reads timestamps of 32, 64 and 96 bits', () => {
    expect(read('93 d6ff00000001 d7ff0007a12000000001 c70cff000f4240ffffffffffffffff')).toEqual([
      new Date(1000),
      new Date(1000),
      new Date(-999),
    ])
  })

  it.each([
    ['a byte that starts no value', 'c1'],
    ['a record definition', 'd4 72 40 91 a1 61 01'],
    ['a regular expression', 'd4 78 00 92 a1 61 a0'],
    ['a cyclic reference', 'd6 69 00000001 91 d6 70 00000001'],
    ['bundled strings', 'd6 62 00000004 c1 00 a0 a0'],
    ['a big integer extension', 'c7 09 42 010000000000000000'],
    ['an unknown extension', 'c7 00 05'],
    ['undefined as the whole value', 'd4 00 00'],
    ['an invalid date', 'd4 ff ff'],
    ['a timestamp beyond Date', 'c7 0c ff 00000000 7fffffffffffffff'],
    ['a timestamp with a second of nanoseconds', 'd7 ff ee6b2800 00000001'],
    ['a name that is a number', '81 01 01'],
    ['a field named __proto__', '81 a9 5f5f70726f746f5f5f 80'],
    ['a field named __proto__ in long form', '81 d9 09 5f5f70726f746f5f5f 80'],
    ['a short string that is not UTF-8', 'a1 ff'],
    ['a long string that is not UTF-8', `d9 20 ${'61'.repeat(31)} 80`],
    ['a string of encoded surrogates', 'a3 eda080'],
    ['an array longer than its bytes', 'dd ffffffff c0'],
    ['a map longer than its bytes', 'df ffffffff a0 c0'],
    ['a string longer than its bytes', 'db ffffffff 61'],
    ['binary longer than its bytes', 'c6 ffffffff 61'],
    ['no bytes', ''],
  ])('refuses %s', (_, hex) => {
    expect(() => read(hex)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', reason: 'not_decodable' }))
  })

  it('refuses nested arrays that each declare much', () => {
    const bomb = Buffer.alloc(72_000)
    for (let at = 0; at + 3 <= bomb.length; at += 3) bomb.set([0xdc, 0xff, 0xff], at)

    expect(() => msgpack().decodeUnsafe(bomb, 0, bomb.length)).toThrow(/RESOURCE_EXHAUSTED|early/)
  })

  it('keeps its bytes when other code packs', () => {
    const codec = msgpack()
    const other = new Packr({ useRecords: false })
    const arena = Buffer.alloc(8192)
    other.useBuffer(arena)

    const first = codec.encode('first value', 0)
    const foreign = other.pack('x'.repeat(500))
    const second = codec.encode('second value', 0)
    other.pack('y'.repeat(500))
    arena.fill(0xee)

    expect(codec.decodeUnsafe(first, 0, first.length)).toBe('first value')
    expect(codec.decodeUnsafe(second, 0, second.length)).toBe('second value')
    expect(unpack(foreign)).toBe('x'.repeat(500))
  })

  it('lets a getter encode with the same codec', () => {
    const codec = msgpack()
    const inner: Uint8Array[] = []
    const value = {
      before: 'before',
      get now(): string {
        inner.push(codec.encode('inner', 0))
        return 'now'
      },
      after: 'after',
    }

    const encoded = codec.encode(value, 3)

    expect(codec.decodeUnsafe(encoded, 3, encoded.length)).toEqual({ before: 'before', now: 'now', after: 'after' })
    expect(inner.map(each => codec.decodeUnsafe(each, 0, each.length))).toEqual(['inner', 'inner'])
  })

  it('goes on after a value that it refused', () => {
    const codec = msgpack()
    expect(() => codec.encode(new Map(), 0)).toThrow(
      '[INVALID_ARGUMENT] msgpack cannot encode $: an object of class Map',
    )

    const encoded = codec.encode('next', 0)

    expect(codec.decodeUnsafe(encoded, 0, encoded.length)).toBe('next')
  })

  it('lists every wrong limit at once', () => {
    expect(() => msgpack({ maxDepth: 0, maxBytes: 1.5 })).toThrow(/maxBytes.*maxDepth/)
  })
})
