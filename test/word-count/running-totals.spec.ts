import { from, map, of, range, toArray } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { InFlight } from '../../examples/word-count/in-flight.js'
import { LINES_PER_TOTAL, runningTotals } from '../../examples/word-count/running-totals.js'
import { valuesOf } from './values-of.js'

describe('runningTotals', () => {
  it('tells the most frequent words at the end', () => {
    expect(valuesOf(of(['b', 'a'], [], ['b']).pipe(runningTotals()))).toEqual([
      {
        lines: 3,
        words: 3,
        distinct: 2,
        top: [
          ['b', 2],
          ['a', 1],
        ],
      },
    ])
  })

  it('tells small totals on the way', () => {
    const line$ = range(0, 2 * LINES_PER_TOTAL + 1).pipe(map(n => [String(n % 5), 'x']))

    const totals = valuesOf(line$.pipe(runningTotals()))

    expect(totals.map(({ lines, top }) => [lines, top.length])).toEqual([
      [LINES_PER_TOTAL, 0],
      [2 * LINES_PER_TOTAL, 0],
      [2 * LINES_PER_TOTAL + 1, 6],
    ])
  })

  it('counts no lines as nothing', () => {
    expect(valuesOf(from([]).pipe(runningTotals()))).toEqual([{ lines: 0, words: 0, distinct: 0, top: [] }])
  })

  it('starts anew for each call', () => {
    const count = runningTotals()

    const lines = [of(['a']).pipe(count), of(['a']).pipe(count)].map(totals$ => valuesOf(totals$)[0]?.lines)

    expect(lines).toEqual([1, 1])
  })
})

describe('InFlight', () => {
  it('counts lines from their entry until the totals have them', () => {
    const inFlight = new InFlight()

    of('a', 'b', 'c').pipe(inFlight.enter(), toArray()).subscribe()
    of({ lines: 2, words: 0, distinct: 0, top: [] }).pipe(inFlight.leave()).subscribe()

    expect([inFlight.entered, inFlight.now, inFlight.peak]).toEqual([3, 1, 3])
  })
})
