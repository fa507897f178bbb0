import { describe, expect, it } from 'vitest'
import { wordsOf } from '../../examples/word-count/words.js'

describe('wordsOf', () => {
  it('takes letters and numbers of every script', () => {
    expect(wordsOf("don't 漢字, x_1 ½ Ⅷ 𐐀!")).toEqual(['don', 't', '漢字', 'x', '1', '½', 'ⅷ', '𐐨'])
  })

  it('ends a word at a combining mark', () => {
    expect(wordsOf('e\u0301te\u0301')).toEqual(['e', 'te'])
  })

  it('lower-cases each word by itself', () => {
    // Within the line the first sigma would be followed by a letter, past the full stop, and not be a final one.
    expect(wordsOf('ΟΔΟΣ.Α')).toEqual(['οδος', 'α'])
  })

  it('lower-cases without a locale', () => {
    expect(wordsOf('I İ ẞ')).toEqual(['i', 'i\u0307', 'ß'])
  })

  it('finds none in an empty line', () => {
    expect(wordsOf('')).toEqual([])
  })
})
