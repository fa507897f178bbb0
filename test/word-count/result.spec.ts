import { describe, expect, it } from 'vitest'
import { differences, resultJson, resultTable, type Result } from '../../examples/word-count/result.js'

const result: Result = {
  files: 2,
  lines: 3000,
  words: 12_345,
  distinct: 678,
  top: [
    ['the', 1200],
    ['漢字', 7],
  ],
  unreadable: 1,
  seconds: 1.5,
  peakInFlight: 64,
  rssMb: { reader: 1, tokenizer: 2, counter: 3, parent: 4 },
}

describe('resultTable', () => {
  it('lists the words with their counts', () => {
    expect(resultTable(result).split('\n').slice(0, 2)).toEqual(['   1  1,200  the', '   2      7  漢字'])
  })

  it('sums up', () => {
    expect(resultTable(result)).toContain('12,345 words, 678 different, in 3,000 lines of 2 files; 1 unreadable')
  })
})

describe('resultJson', () => {
  it('is one line with the names in order', () => {
    expect(resultJson(result)).toBe(JSON.stringify(result))
  })
})

describe('differences', () => {
  it('are none between equal counts', () => {
    expect(differences(result, { ...result })).toEqual([])
  })

  it('name each number that differs', () => {
    const plain = { ...result, words: 1, top: [] }

    expect(differences(result, plain)).toEqual([
      'words: 12345 with millrace, 1 without',
      'top: [["the",1200],["漢字",7]] with millrace, [] without',
    ])
  })
})
