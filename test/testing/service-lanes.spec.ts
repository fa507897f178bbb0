import { actor, contract, duplex, unary, type Actor } from 'millrace/actors'
import type { RpcError } from 'millrace/core'
import { marbles, type MarbleKit } from 'millrace/testing'
import { NEVER, of, timer } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { thrownBy } from '../support/thrown-by.js'

const Words = contract('words', { count: unary<string, number>(), tally: duplex<string, number>() })

function words(behaviour: { readonly [endpoint: string]: unknown }): Actor {
  return actor(Words, { count: () => 1, tally: () => NEVER, ...behaviour })
}

const failure = (spec: (kit: MarbleKit) => void): RpcError => thrownBy(() => marbles(spec))

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
})
