import { describe, expect, it } from 'vitest'
import { countTests } from '../scripts/count-tests.mjs'

describe('countTests', () => {
  it('counts tests by how they ended', () => {
    const report = { testResults: [file('passed', 'passed', 'passed'), file('failed', 'failed', 'skipped', 'todo')] }

    expect(countTests(report, 1)).toEqual({ passed: 2, failed: 1, skipped: 2 })
  })

  it('fails for a file that cannot be loaded', () => {
    const report = { testResults: [file('passed', 'passed'), file('failed')] }

    expect(countTests(report, 1)).toEqual({ passed: 1, failed: 1, skipped: 0 })
  })

  it('fails for an error that belongs to no test', () => {
    expect(countTests({ testResults: [file('passed', 'passed')] }, 1)).toEqual({ passed: 1, failed: 1, skipped: 0 })
  })

  it('fails when nothing ran', () => {
    expect(countTests({ testResults: [] }, 0)).toEqual({ passed: 0, failed: 1, skipped: 0 })
    expect(countTests({ testResults: [file('passed', 'skipped')] }, 0)).toMatchObject({ failed: 1 })
  })
})

function file(status: string, ...tests: readonly string[]): { status: string; assertionResults: { status: string }[] } {
  return { status, assertionResults: tests.map(each => ({ status: each })) }
}
