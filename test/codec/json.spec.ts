import { json } from 'millrace/codec'
import { describe, expect, it } from 'vitest'
import { structuredSamples, testCodec } from 'millrace/testing/compliance'

testCodec(
  { describe, it },
  { name: 'json', codec: json, keeps: [...structuredSamples, 'string with half a surrogate pair'] },
)

const read = (text: string | Uint8Array): unknown => {
  const encoded = typeof text === 'string' ? Buffer.from(text) : text
  return json().decodeUnsafe(encoded, 0, encoded.length)
}

describe('json', () => {
  it('writes JSON', () => {
    expect(Buffer.from(json().encode({ a: [1, 'é', null] }, 0)).toString()).toBe('{"a":[1,"é",null]}')
  })

  it('counts no brackets or commas inside strings', () => {
    const codec = json({ maxDepth: 1, maxItems: 1 })
    const value = ['[[{{,,"\\"[']

    const encoded = codec.encode(value, 0)

    expect(codec.decodeUnsafe(encoded, 0, encoded.length)).toEqual(value)
  })

  it('bounds depth before it parses', () => {
    const nested = Buffer.alloc(16_000_000, '[')

    expect(() => read(nested)).toThrow(expect.objectContaining({ code: 'RESOURCE_EXHAUSTED', reason: 'too_deep' }))
  })

  it.each([
    ['a byte order mark', '\ufeff1'],
    ['NaN', 'NaN'],
    ['a trailing comma', '[1,]'],
    ['closing brackets alone', ']]]]'],
    ['a field named __proto__', '{"a":[{"__proto__":{"x":1}}]}'],
    ['a field named __proto__ in escapes', '{"\\u005f_proto__":{"x":1}}'],
    ['bytes that are not UTF-8', Uint8Array.of(0x22, 0xff, 0x22)],
    ['no bytes', ''],
  ])('refuses %s', (_, text) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', reason: 'not_decodable' }))
  })

  it('keeps a string that says __proto__', () => {
    expect(read('{"name":"__proto__"}')).toEqual({ name: '__proto__' })
  })
})
