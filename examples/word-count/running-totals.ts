import { concat, defer, filter, map, of, type OperatorFunction } from 'rxjs'
import type { Totals, WordCount } from './contracts.js'
import { Tally } from './tally.js'

/** Lines from one running total to the next: often enough to see how it goes, seldom enough to cost little. */
export const LINES_PER_TOTAL = 32

/** Most frequent words that the last totals tell. */
export const TOP = 20

/**
 * Counts the words of lines. Each total is small, however many words there are, and the last one, with the most
 * frequent words, comes when the lines have ended.
 */
export function runningTotals(): OperatorFunction<readonly string[], Totals> {
  return words$ =>
    defer(() => {
      const tally = new Tally()
      let lines = 0
      const totals = (top: readonly WordCount[]): Totals => ({
        lines,
        words: tally.words,
        distinct: tally.distinct,
        top,
      })
      const running$ = words$.pipe(
        map(words => {
          tally.add(words)
          lines++
        }),
        filter(() => lines % LINES_PER_TOTAL === 0),
        map(() => totals([])),
      )
      return concat(
        running$,
        defer(() => of(totals(tally.top(TOP)))),
      )
    })
}
