import { of } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { marbles } from 'millrace/testing'
import { thrownBy } from '../support/thrown-by.js'

const itself = (name: string): object => {
  const value: Record<string, unknown> = { name }
  return Object.assign(value, { parts: [value] })
}

const compare = (expected: unknown, actual: unknown): void =>
  marbles(({ expectObservable }) => expectObservable(of(actual)).toBe('(a|)', { a: expected }))

describe('sameValue', () => {
  it.each<[string, unknown, unknown]>([
    ['a date', new Date(1), new Date(1)],
    ['a URL', new URL('http://a/'), new URL('http://a/')],
    ['a pattern', /a/g, /a/g],
    ['bytes', new Uint8Array([1]), new Uint8Array([1])],
    ['no bytes', new Uint8Array(), new Uint8Array()],
    ['what contains itself', itself('a'), itself('a')],
    ['collections', new Map([['a', new Set([1])]]), new Map([['a', new Set([1])]])],
  ])('compares %s by content', (_, expected, actual) => {
    expect(() => compare(expected, actual)).not.toThrow()
  })

  it.each<[string, unknown, unknown]>([
    ['a date', new Date(1), new Date(2)],
    ['a URL', new URL('http://a/'), new URL('http://b/')],
    ['a pattern', /a/g, /b/g],
    ['bytes', new Uint8Array([1]), new Uint8Array([2])],
    ['a buffer', new ArrayBuffer(1), new ArrayBuffer(2)],
    ['what contains itself', itself('a'), itself('b')],
    ['collections', new Map([['a', new Set([1])]]), new Map([['a', new Set([2])]])],
  ])('tells %s from another', (_, expected, actual) => {
    expect(thrownBy(() => compare(expected, actual)).reason).toBe('marbles_differ')
  })
})
