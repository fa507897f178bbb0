import { actor, contract, duplex, unary, type Actor } from 'millrace/actors'
import { RpcError } from 'millrace/core'
import { marbles, type MarbleKit, type ServiceLanes } from 'millrace/testing'
import { from, mergeMap, NEVER, of, throwError, timer, type Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { thrownBy } from '../support/thrown-by.js'

const Words = contract('words', { count: unary<string, number>(), tally: duplex<string, number>() })

function words(behaviour: { readonly [endpoint: string]: unknown }): Actor {
  return actor(Words, { count: () => 1, tally: () => NEVER, ...behaviour })
}

const failure = (spec: (kit: MarbleKit) => unknown): RpcError => thrownBy(() => marbles(spec))

describe('given', () => {
  it('refuses promises, and names the endpoint', () => {
    const error = failure(({ given, requests, expectReplies }) => {
      given(words({ count: async () => 1 }), 'count')
      requests('     -a|')
      expectReplies('-x|', { x: 1 })
    })

    expect(error.reason).toBe('promise_in_marbles')
    expect(error.rawMessage).toContain('words.count gives a promise')
  })

  it('refuses async iterables, and names the endpoint', () => {
    const error = failure(({ given, requests, expectReplies }) => {
      const late = async function* () {
        yield 1
      }
      given(words({ tally: late }), 'tally')
      requests('     -a|')
      expectReplies('-x|', { x: 1 })
    })

    expect(error.reason).toBe('promise_in_marbles')
    expect(error.rawMessage).toContain('words.tally gives an async iterable')
  })

  it('tells of open calls where a reply is missing', () => {
    const error = failure(({ given, requests, expectReplies }) => {
      given(words({ count: () => from(Promise.resolve(1)) }), 'count')
      requests('     -a|')
      expectReplies('-x|', { x: 1 })
    })

    expect(error.reason).toBe('marbles_differ')
    expect(error.rawMessage).toContain('words.count: a call is left open: the call made at 1 ms')
  })

  it('fails when requests are drawn and no call is made', () => {
    const error = failure(({ given }) => given(words({}), 'count').requests('a|'))

    expect(error.reason).toBe('work_left')
    expect(error.rawMessage).toContain('words.count: no call is made')
  })

  it('stops a handler that gives replies without end', () => {
    const endless = function* () {
      for (;;) yield 1
    }

    const error = failure(({ given, requests, expectReplies }) => {
      given(words({ tally: endless }), 'tally')
      requests('     -a|')
      expectReplies('-x|', { x: 1 })
    })

    expect(error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'marbles_runaway' })
    expect(error.rawMessage).toContain('items came in one turn, at 0 ms')
  })

  it('shows the failure of a stream by its code', () => {
    marbles(({ given, requests, expectReplies, expectHandler }) => {
      const refuse = (line$: Observable<string>): Observable<never> =>
        line$.pipe(mergeMap(line => throwError(() => new RpcError('NOT_FOUND', line))))
      given(words({ tally: refuse }), 'tally')
      requests('     --a-b|')
      expectReplies('--#   ', {}, 'NOT_FOUND')
      expectHandler('^-!   ')
    })
  })

  it('does not count a refused request as work', () => {
    const Sized = contract('sized', { double: unary({ request: z.number(), reply: z.number() }) })

    marbles(({ given, requests, expectReplies, expectRequests, expectHandler }) => {
      given(actor(Sized, { double: n => n * 2 }), 'double')
      requests('      -s-n|', { s: 'two', n: 2 })
      expectRequests('---n ', { n: 2 })
      expectReplies(' -e-d|', { e: { reason: 'invalid_request' }, d: 4 })
      expectHandler('---(^!)')
    })
  })

  it.each(['---!', '^--!', '3ms !', '^ 2ms !'])('cancels at 3 ms as drawn by %s', diagram => {
    marbles(({ given, requests, cancel, expectReplies, expectHandler }) => {
      given(words({ tally: (line$: Observable<string>) => line$ }), 'tally')
      requests('     -a-b-c')
      cancel(diagram)
      expectReplies('-a-')
      expectHandler('^--!')
    })
  })

  it('fails when a call is left open', () => {
    const error = failure(({ given, requests, expectReplies }) => {
      given(words({}), 'tally')
      requests('     -a|')
      expectReplies('---')
    })

    expect(error).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'work_left' })
    expect(error.rawMessage).toContain('the call made at 0 ms neither ends nor is cancelled')
  })

  it('fails when a handler goes on after its call', () => {
    const error = failure(({ given, requests, expectReplies, runtime }) => {
      const forgotten = (): unknown => {
        timer(50, runtime.scheduler).subscribe()
        return of(1)
      }
      given(words({ count: forgotten }), 'count')
      requests('     -a|')
      expectReplies('-x|', { x: 1 })
    })

    expect(error.reason).toBe('timers_left')
  })

  it('shows why a handler failed', () => {
    const error = failure(({ given, requests, expectReplies }) => {
      const broken = (): never => {
        throw new TypeError('text is no function')
      }
      given(words({ count: broken }), 'count')
      requests('     -a|')
      expectReplies('-x|', { x: 1 })
    })

    expect(error.rawMessage).toContain('INTERNAL')
    expect(error.rawMessage).toContain('text is no function')
  })

  it('names the endpoints that there are', () => {
    const error = failure(({ given }) => void given(words({}), 'counts'))

    expect(error.reason).toBe('unknown_endpoint')
    expect(error.rawMessage).toBe('given: words has no endpoint counts, known are count, tally')
  })

  it.each<[string, (lanes: ServiceLanes) => void]>([
    ['x is no number of replies', ({ demand }) => demand('1-x')],
    ['it has no !', ({ cancel }) => cancel('---')],
    ['say which error # is', ({ expectReplies }) => expectReplies('#')],
  ])('refuses a lane that means nothing: %s', (message, draw) => {
    const error = failure(({ given }) => {
      const lanes = given(words({}), 'tally')
      lanes.requests('a|')
      draw(lanes)
    })

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_marbles' })
    expect(error.rawMessage).toContain(message)
  })

  it.each<[string, (kit: MarbleKit) => void]>([
    ['say first what the lanes are of', ({ requests }) => requests('a')],
    ['requests come before', ({ given }) => given(words({}), 'count').expectReplies('a')],
    [
      'cancel comes before',
      ({ given }) => {
        const { requests, expectReplies, cancel } = given(words({}), 'count')
        requests('a|')
        expectReplies('a|')
        cancel('-!')
      },
    ],
    [
      'expectReplies comes once',
      ({ given }) => {
        const { requests, expectReplies } = given(words({}), 'count')
        requests('a|')
        expectReplies('a|')
        expectReplies('b|')
      },
    ],
    [
      'requests are drawn once',
      ({ given }) => {
        const { requests } = given(words({}), 'count')
        requests('a|')
        requests('b|')
      },
    ],
    [
      'is for streams of requests',
      ({ given }) => {
        const { requests, expectConsumed } = given(words({}), 'count')
        requests('a|')
        expectConsumed('a')
      },
    ],
  ])('says when lanes are out of order: %s', (message, spec) => {
    const error = failure(spec)

    expect(error.reason).toBe('invalid_marbles')
    expect(error.rawMessage).toContain(message)
  })

  it('lets the stream of requests fail', () => {
    marbles(({ given, requests, expectReplies, expectRequests, expectHandler }) => {
      given(words({ tally: (word$: Observable<string>) => word$ }), 'tally')
      requests('      -a-#', undefined, new RpcError('ABORTED', 'changed my mind'))
      expectReplies(' -a-#', undefined, 'ABORTED')
      expectRequests('-a-#', undefined, 'ABORTED')
      expectHandler(' ^--!')
    })
  })

  it('refuses a spec that is an async function', () => {
    const error = failure(async ({ given, requests, expectReplies }) => {
      given(words({}), 'count')
      requests('a|')
      await Promise.resolve()
      expectReplies('-')
    })

    expect(error.reason).toBe('promise_in_marbles')
    expect(error.rawMessage).toContain('await before marbles')
  })
})
