import { describe, expect, it } from 'vitest'
import { executedDiagram, type ExecutedLane, type ExecutedStream } from '../../scripts/diagrams/executed-diagram.mjs'
import type { Row } from '../../scripts/diagrams/marble-diagram.mjs'

/** A lane of letters, one a millisecond, subscribed from `from` on; `-` is nothing. */
function lane(letters: string, from: number, to: number): ExecutedLane {
  const marbles = [...letters.matchAll(/[a-z]/g)].map(({ 0: letter, index }) => {
    return { frame: from + index, kind: 'next' as const, letter }
  })
  return { marbles, windows: [{ subscribedFrame: from, unsubscribedFrame: to }] }
}

function rowsOf(...streams: readonly Partial<ExecutedStream>[]): readonly Row[] {
  const whole = streams.map(stream => ({ kind: 'cold', lanes: [], values: {}, ...stream }))
  const names = (_: unknown, isSource: boolean) => {
    return isSource ? { name: 'source', code: undefined } : { name: 'result', code: 'source.pipe(share())' }
  }
  return executedDiagram({ streams: whole }, names).rows
}

/** Rows as lines of text. */
function drawn(rows: readonly Row[]): readonly string[] {
  return rows.map(row => {
    if (row.kind === 'operator') return row.code
    if (row.kind === 'held') return row.items.map(({ letter, from, to }) => `${letter} ${from}-${to}`).join()
    return `${row.name} ${row.windows.map(({ from, to }) => `${from}-${to}`).join()}`
  })
}

describe('executedDiagram', () => {
  it('has sources, then each result below its code', () => {
    const rows = rowsOf({ kind: 'expectObservable', lanes: [lane('a', 0, 1)] }, { lanes: [lane('b', 2, 3)] })

    expect(drawn(rows)).toEqual(['source 2-3', 'source.pipe(share())', 'result 0-1'])
  })

  it('calls a stream by the name that it has', () => {
    const rows = rowsOf({ kind: 'expectReplies', name: 'replies', lanes: [lane('a', 0, 1)] })

    expect(drawn(rows)).toEqual(['replies 0-1'])
  })

  it('has subscriptions that follow each other in one row', () => {
    const rows = rowsOf({ lanes: [lane('a', 0, 3), lane('a', 3, 5), lane('a', 4, 6)] })

    expect(drawn(rows)).toEqual(['source 0-3,4-6', 'source 3-5'])
  })

  it('has so many subscriptions at most', () => {
    const rows = rowsOf({ lanes: Array.from({ length: 9 }, () => lane('a', 0, 3)) })

    expect(drawn(rows)).toHaveLength(7)
    expect(drawn(rows).at(-1)).toBe('… 3 more 0-3')
  })

  it('tells for each item when it was consumed', () => {
    const credits = [
      [4, 'a'],
      [5, 'a'],
    ] as const

    const rows = rowsOf({ kind: 'deliveries', lanes: [lane('aab', 0, 3)], credits })

    expect(drawn(rows)).toEqual(['source 0-3', 'a 0-4,a 1-5,b 2-undefined'])
  })

  it('writes short values into marbles, others below', () => {
    const values = { a: "'x'", b: '{ id: 7 }', '#': 'NOT_FOUND' }
    const stream = { kind: 'cold', lanes: [lane('ab', 0, 3)], values }

    const { rows, legend } = executedDiagram({ streams: [stream] }, () => ({ name: 'source', code: undefined }))

    expect(rows.flatMap(row => (row.kind === 'lane' ? row.marbles.map(({ label }) => label) : []))).toEqual(['x', 'b'])
    expect(legend).toEqual([{ letter: 'b', value: '{ id: 7 }' }])
  })
})
