import { describe, expect, it } from 'vitest'
import { Tally } from '../../examples/word-count/tally.js'

describe('Tally', () => {
  it('counts words and different words', () => {
    const tally = new Tally()

    tally.add(['a', 'b', 'a'])
    tally.add(['a'])

    expect([tally.words, tally.distinct]).toEqual([4, 2])
  })

  it('orders by count', () => {
    const tally = new Tally()

    tally.add(['a', 'b', 'c', 'b', 'c', 'c'])

    expect(tally.top(2)).toEqual([
      ['c', 3],
      ['b', 2],
    ])
  })

  it('orders equal counts by code point, not by unit', () => {
    const tally = new Tally()

    tally.add(['𐐨', 'ａ', 'ab', '𐐀', 'a', 'Z'])

    expect(tally.top(6).map(([word]) => word)).toEqual(['Z', 'a', 'ab', 'ａ', '𐐀', '𐐨'])
  })

  it('gives the words there are when asked for more', () => {
    const tally = new Tally()

    tally.add(['a'])

    expect(tally.top(20)).toEqual([['a', 1]])
  })
})
