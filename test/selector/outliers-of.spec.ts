import { describe, expect, it } from 'vitest'
import { outliersOf, type Tally } from '../../src/selector/outliers-of.js'

/** Calls of nodes in one interval, by the faults of each. */
function tallies(calls: number, ...faults: readonly number[]): readonly Tally[] {
  return faults.map(each => ({ ok: calls - each, faults: each }))
}

const faultsOf = (found: readonly Tally[]): readonly number[] => found.map(({ faults }) => faults)

describe('outliersOf', () => {
  it('finds the node below mean less 1.9 deviations', () => {
    const found = outliersOf(tallies(100, 0, 1, 0, 2, 0, 30, 0, 1, 0, 0))

    expect(faultsOf(found)).toEqual([30])
  })

  it('finds none among nodes that fail alike', () => {
    expect(outliersOf(tallies(100, 33, 33, 33, 33, 33, 33, 33))).toEqual([])
  })

  it('finds no rate among fewer than five nodes', () => {
    expect(outliersOf(tallies(100, 0, 0, 0, 80))).toEqual([])
  })

  it('finds no rate of fewer than a hundred calls', () => {
    expect(outliersOf(tallies(99, 0, 0, 0, 0, 0, 0, 60))).toEqual([])
  })

  it('finds nodes that fail 85 % of fifty calls', () => {
    const found = outliersOf(tallies(50, 0, 42, 0, 43, 0, 50))

    expect(faultsOf(found)).toEqual([50, 43])
  })

  it('finds none of fewer than fifty calls', () => {
    expect(outliersOf(tallies(49, 0, 0, 0, 0, 49))).toEqual([])
  })
})
