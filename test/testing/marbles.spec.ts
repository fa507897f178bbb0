import { EMPTY, concat, delay, map, of, repeat, throwError, timer } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { RpcError } from 'millrace/core'
import { hold } from 'millrace/streams'
import { marbles, type MarbleKit, type MarblesOptions } from 'millrace/testing'

const failure = (spec: (kit: MarbleKit) => void, options?: MarblesOptions): RpcError => {
  try {
    marbles(spec, options)
  } catch (error) {
    if (RpcError.is(error)) return error
    throw error
  }
  throw new Error('the spec passed')
}

describe('marbles', () => {
  it('compares values, times and subscriptions', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -a--b--|', { a: 1, b: 2 })
      const doubled = source.pipe(map(n => n * 2))

      expectObservable(doubled).toBe('-a--b--|', { a: 2, b: 4 })
      expectSubscriptions(source).toBe('^------!')
    })
  })

  it('compares errors by code and reason', () => {
    marbles(({ expectObservable }) => {
      const failed = throwError(() => new RpcError('NOT_FOUND', 'no', { reason: 'gone' }))

      expectObservable(failed).toBe('#', undefined, { code: 'NOT_FOUND', reason: 'gone' })
    })
  })

  it('plays a hot source once for all', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('         a-^-b--c-|')

      expectObservable(source).toBe('--b--c-|')
      expectObservable(source, '     ---^--!').toBe('-----c')
      expectSubscriptions(source).toBe(['^------!', '---^--!'])
    })
  })

  it('shows returned credits, and errors in upper case', () => {
    marbles(({ deliveries, expectObservable, expectCredits }) => {
      const source = deliveries('-a-b-c|')
      const held = source.pipe(
        map(letter => {
          const release = letter === 'c' ? undefined : hold()
          timer(2).subscribe(() => release?.(letter === 'b' ? 'broken' : undefined))
          return letter
        }),
      )

      expectObservable(held).toBe('-a-b-c|')
      expectCredits(source).toBe(' ---a-(cB)')
    })
  })

  it('draws both lanes and the first difference', () => {
    const error = failure(({ cold, expectObservable }) => {
      expectObservable(cold('--a---b-|')).toBe('--a--b--|')
    })

    expect(error.reason).toBe('marbles_differ')
    expect(error.rawMessage.split('\n').slice(0, 4)).toEqual([
      'marbles: notifications differ from the diagram',
      'expected  --a--b--|',
      'actual    --a---b-|',
      '               ^ 5 ms',
    ])
  })

  it('keeps frames aligned beside groups and long gaps', () => {
    const error = failure(({ cold, expectObservable }) => {
      expectObservable(cold('(ab)-c 5s d---|')).toBe('(ab)-c 5s (de)|')
    })

    expect(error.rawMessage.split('\n').slice(1, 4)).toEqual([
      'expected  (ab)-c 5000ms (de)|',
      'actual    (ab)-c 5000ms d---|',
      '                        ^ 5006 ms',
    ])
  })

  it('explains values that no letter stands for', () => {
    const error = failure(({ expectObservable }) => {
      expectObservable(of({ n: 3 })).toBe('(a|)', { a: { n: 4 } })
    })

    expect(error.rawMessage).toContain('actual    (?|)')
    expect(error.rawMessage).toContain('? at 0 ms: next { n: 3 }')
    expect(error.rawMessage).toContain('a = { n: 4 }')
  })

  it('names the subscription that differs', () => {
    const error = failure(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a|')
      expectObservable(concat(source, source)).toBe('-a-a|')
      expectSubscriptions(source).toBe('^-!')
    })

    expect(error.rawMessage).toContain('subscription 2 of 2')
  })

  it('points at the line of the expectation', () => {
    const error = failure(function spec({ cold, expectObservable }) {
      expectObservable(cold('a')).toBe('b')
    })

    expect(error.stack).toContain('at spec')
    expect(error.rawMessage).toMatch(
      /\nat .*marbles\.spec\.ts:\d+:\d+\n {3}expectObservable\(cold\('a'\)\)\.toBe\('b'\)$/,
    )
  })

  it('stops work that repeats in later time', () => {
    const error = failure(
      ({ cold, expectObservable }) => {
        expectObservable(cold('-|').pipe(repeat())).toBe('-')
      },
      { maxMs: 100 },
    )

    expect(error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'marbles_runaway' })
  })

  it('stops work that repeats without time', () => {
    const error = failure(
      ({ expectObservable }) => {
        expectObservable(EMPTY.pipe(repeat({ delay: () => timer(0) }))).toBe('-')
      },
      { maxTasks: 100 },
    )

    expect(error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'marbles_runaway' })
  })

  it('fails on a timer that is left at the end', () => {
    const error = failure(({ cold, expectObservable, runtime }) => {
      runtime.scheduler.schedule(() => {}, 5)
      expectObservable(cold('--|')).toBe('--|')
    })

    expect(error).toMatchObject({ reason: 'timers_left', details: { endedAt: 2, timers: [5] } })
  })

  it.each([
    ['(a', undefined],
    ['ab', { a: 1 }],
  ])('refuses the diagram %s', (diagram, values) => {
    const error = failure(({ cold, expectObservable }) => {
      expectObservable(cold(diagram, values)).toBe('')
    })

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_marbles' })
  })

  it('refuses upper case letters of deliveries', () => {
    const error = failure(({ deliveries }) => void deliveries('A'))

    expect(error.reason).toBe('invalid_marbles')
  })

  it('draws the same numbers from the same seed', () => {
    const draw = (seed: number): number[] => {
      const numbers: number[] = []
      marbles(({ runtime }) => void numbers.push(runtime.random(), runtime.random()), { seed })
      return numbers
    }

    expect(draw(7)).toEqual(draw(7))
    expect(draw(7)).not.toEqual(draw(8))
  })

  it('runs hours of RxJS time at once', () => {
    marbles(({ expectObservable }) => {
      expectObservable(of('a').pipe(delay(3_000_000))).toBe('3000s (a|)')
    })
  })
})
