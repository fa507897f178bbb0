import { take } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { pacedMap } from 'millrace/streams'
import { marbles, type MarbleKit } from 'millrace/testing'
import type { ExecutedSpec } from '../../src/testing/executed-spec.js'

const OBSERVER = Symbol.for('millrace.executed-spec.1')
const told: ExecutedSpec[] = []

beforeEach(() => {
  told.length = 0
  Object.assign(globalThis, { [OBSERVER]: (spec: ExecutedSpec) => told.push(spec) })
})

afterEach(() => {
  Reflect.deleteProperty(globalThis, OBSERVER)
})

/** What an executed spec tells of its streams, each as lines of text. */
function streamsOf(spec: (kit: MarbleKit) => void): readonly string[] {
  marbles(spec)
  return told.flatMap(({ streams }) =>
    streams.map(({ kind, lanes, credits = [] }) => {
      const lines = lanes.map(({ marbles, windows }) => {
        const ends = windows.map(({ subscribedFrame, unsubscribedFrame }) => `${subscribedFrame}-${unsubscribedFrame}`)
        return [...marbles.map(({ frame, letter }) => `${letter}${frame}`), ...ends].join(' ')
      })
      return [kind, ...lines, ...credits.map(([frame, letter]) => `${letter} consumed ${frame}`)].join('; ')
    }),
  )
}

describe('executed spec', () => {
  it('has a lane for each subscription of a cold source', () => {
    const streams = streamsOf(({ cold, expectObservable }) => {
      const source = cold('a-b|')
      expectObservable(source).toBe('a-b|')
      expectObservable(source, '--^').toBe('--a-b|')
    })

    expect(streams).toEqual([
      'cold; a0 b2 |3 0-3; a2 b4 |5 2-5',
      'expectObservable; a0 b2 |3 0-3',
      'expectObservable; a2 b4 |5 2-5',
    ])
  })

  it('has no marble that nobody received', () => {
    const streams = streamsOf(({ cold, hot, expectObservable }) => {
      expectObservable(cold('-(abc|)').pipe(take(2))).toBe('-(ab|)')
      expectObservable(cold('a--b--|'), '^--!').toBe('a')
      hot('--h')
    })

    expect(streams).toEqual([
      'cold; a1 b1 0-1',
      'expectObservable; a1 b1 |1 0-1',
      'cold; a0 0-3',
      'expectObservable; a0 0-3',
      'hot; h2',
    ])
  })

  it('has the time at which items were consumed', () => {
    const streams = streamsOf(({ deliveries, cold, runtime, expectObservable }) => {
      const slowly = pacedMap(() => cold('--|'), { concurrency: 1, runtime })
      expectObservable(deliveries('ab--').pipe(slowly), '^--!').toBe('-')
    })

    expect(streams).toEqual([
      'deliveries; a0 b1 0-3; a consumed 2; B consumed 3',
      'expectObservable; 0-3',
      'cold; |2 0-2',
      'cold; 2-3',
    ])
  })

  it('has the text of values that letters stand for', () => {
    marbles(({ cold, expectObservable }) => {
      const source = cold('ab#', { a: { id: 7 }, b: 'b' }, new Error('no'))
      expectObservable(source).toBe('xb#', { x: { id: 7 }, b: 'b' }, new Error('no'))
    })

    expect(told.flatMap(({ streams }) => streams.map(({ values }) => values))).toEqual([
      { a: '{ id: 7 }', '#': 'Error: no' },
      { x: '{ id: 7 }', '#': 'Error: no' },
    ])
  })

  it('says where each stream was written', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('|')).toBe('|')
    })

    const stacks = told.flatMap(({ streams }) => streams.map(({ stack }) => stack))
    expect(stacks).toEqual([
      expect.stringContaining('executed-spec.spec.ts'),
      expect.stringContaining('executed-spec.spec.ts'),
    ])
  })

  it('is not told when an expectation fails', () => {
    const failing = (): void => marbles(({ cold, expectObservable }) => expectObservable(cold('a')).toBe('b'))

    expect(failing).toThrow(expect.objectContaining({ reason: 'marbles_differ' }))
    expect(told).toEqual([])
  })
})

describe('valueText', () => {
  it.each([
    ['a string', 'it’s', "'it’s'"],
    ['an error', Object.assign(new Error('no b'), { x: 1 }), 'Error: no b'],
    ['an expected error', { code: 'NOT_FOUND', reason: 'gone' }, 'NOT_FOUND gone'],
    ['a value with a code', { code: 'EUR' }, "{ code: 'EUR' }"],
    ['a date', { at: new Date(1) }, '{ at: 1970-01-01T00:00:00.001Z }'],
    ['a URL', new URL('http://a/'), 'http://a/'],
    ['bytes', new Uint8Array(3), '3 bytes'],
    ['collections', [new Set([1]), new Map([['a', null]])], "[Set([1]), Map([['a', null]])]"],
    ['what is deep', { a: { b: { c: 'x'.repeat(130) } }, d: [1] }, '{ a: { b: {…} }, d: [1] }'],
    ['what is long', 'x'.repeat(200), `'${'x'.repeat(128)}…`],
  ])('is for %s what TypeScript would write', (_, value, text) => {
    marbles(({ cold, expectObservable }) => expectObservable(cold('a', { a: value })).toBe('a', { a: value }))

    expect(told[0]?.streams[0]?.values).toEqual({ a: text })
  })
})
