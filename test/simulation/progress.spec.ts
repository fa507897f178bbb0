import { describe, expect, it } from 'vitest'
import { progressLine } from './progress.js'

describe('progressLine', () => {
  it('says how long the rest takes', () => {
    expect(progressLine(500, 1000, 60)).toBe('████████████░░░░░░░░░░░░ 500/1000 runs · 60 s left')
  })

  it('says nothing of the rest before the first run', () => {
    expect(progressLine(0, 10, 5)).toBe('░░░░░░░░░░░░░░░░░░░░░░░░ 0/10 runs')
  })
})
