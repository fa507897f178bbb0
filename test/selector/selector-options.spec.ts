import { RpcError, systemRuntime } from 'millrace/core'
import { blacklist, ejectOutliers, filterZone, p2c, type SelectorContext, subset, weighted } from 'millrace/selector'
import { NEVER } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { thrownBy } from '../support/thrown-by.js'

const context: SelectorContext = { runtime: systemRuntime(), outcomes$: NEVER }

describe('options of selectors', () => {
  it.each<[string, () => unknown, RegExp]>([
    ['p2c', () => p2c({ decayMs: 0, faultMs: -1 }), /decayMs.*faultMs/],
    ['weighted', () => weighted({ label: '' }), /label/],
    ['filterZone', () => filterZone({ zones: [''], minNodes: 0 }), /zones.*minNodes/],
    ['subset', () => subset(context, { size: 0, client: '' }), /size.*client/],
    ['blacklist', () => blacklist(context, { faults: 0, forgetMs: 0.5 }), /faults.*forgetMs/],
    ['ejectOutliers', () => ejectOutliers(context, { faults: 0, panicPercent: 101 }), /faults.*panicPercent/],
  ])('%s names every fault', (_, create, faults) => {
    const error = thrownBy(create)

    expect(error).toBeInstanceOf(RpcError)
    expect(error).toMatchObject({ reason: 'invalid_options', message: expect.stringMatching(faults) })
  })
})
