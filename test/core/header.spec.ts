import { emptyHeader, header, MAX_HEADER_BYTES, MAX_HEADER_ENTRIES, mergeHeaders } from 'millrace/core'
import { describe, expect, it } from 'vitest'

const refused = (...parts: string[]): unknown =>
  expect.objectContaining({
    code: 'INVALID_ARGUMENT',
    reason: 'invalid_header',
    message: expect.stringMatching(parts.join('.*')) as string,
  })

const entries = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, '']))

describe('header', () => {
  it('lower-cases names and leaves out undefined', () => {
    expect({ ...header({ 'X-Trace': '1', other: undefined }) }).toEqual({ 'x-trace': '1' })
  })

  it('has no prototype', () => {
    const result = header({ constructor: 'mine' })

    expect(Object.getPrototypeOf(result)).toBe(null)
    expect(result['constructor']).toBe('mine')
    expect(result['tostring']).toBeUndefined()
  })

  it('is the shared empty one without entries', () => {
    expect(header({ a: undefined })).toBe(emptyHeader)
  })

  it('names every bad entry at once', () => {
    const entries = { 'a b': 'x', ok: 'x', number: 1 as never, __proto: 'x' }

    expect(() => header(entries)).toThrow(refused('"a b"', 'number is a number', '"__proto"'))
  })

  it('accepts the most entries and refuses one more', () => {
    expect(Object.keys(header(entries(MAX_HEADER_ENTRIES)))).toHaveLength(MAX_HEADER_ENTRIES)
    expect(() => header(entries(MAX_HEADER_ENTRIES + 1))).toThrow(refused('65 entries'))
  })

  it.each(['a', 'é', '水', '🎈'])('counts bytes of %s as UTF-8', character => {
    const most = Math.floor((MAX_HEADER_BYTES - 1) / Buffer.byteLength(character))

    expect(header({ n: character.repeat(most) })['n']).toHaveLength(most * character.length)
    expect(() => header({ n: character.repeat(most + 1) })).toThrow(refused('bytes, at most 8192'))
  })
})

describe('mergeHeaders', () => {
  it('lays the second over the first', () => {
    const merged = mergeHeaders(header({ a: '1', b: '1' }), header({ b: '2' }))

    expect({ ...merged }).toEqual({ a: '1', b: '2' })
    expect(Object.getPrototypeOf(merged)).toBe(null)
  })

  it('makes nothing when one is empty', () => {
    const full = header({ a: '1' })

    expect(mergeHeaders(full, emptyHeader)).toBe(full)
    expect(mergeHeaders(emptyHeader, full)).toBe(full)
  })
})
