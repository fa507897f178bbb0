import { describe, expect, it } from 'vitest'
import { progressLine } from '../../examples/word-count/progress.js'

describe('progressLine', () => {
  it('tells files, lines a second and lines in flight', () => {
    const line = progressLine({ files: 50, filesInAll: 200, lines: 10_000, inFlight: 12 }, 2)

    expect(line).toBe(`${'█'.repeat(3)}${'░'.repeat(9)} 50/200 files · 10,000 lines · 5,000 lines/s · 12 in flight`)
  })
})
