import { marbles } from 'millrace/testing'
import { describe, it } from 'vitest'
import { requestsOf } from '../../src/actors/requests.js'
import { consumeSlowly } from '../../test/support/slow-consumer.js'

describe('requestsOf', () => {
  it('is the Observable that is given', () => {
    marbles(({ deliveries, expectObservable, expectSubscriptions, expectCredits }) => {
      const letter$ = deliveries('                                                      ab----|')

      expectObservable(requestsOf(letter$, 'words.tally').pipe(consumeSlowly(2))).toBe('ab----|')
      expectSubscriptions(letter$).toBe('                                               ^-----!')
      expectCredits(letter$).toBe('                                                     --a-b')
    })
  })

  it('takes the next of an iterable when one is consumed', () => {
    marbles(({ expectObservable }) => {
      expectObservable(requestsOf(['a', 'b', 'c'], 'words.tally').pipe(consumeSlowly(2))).toBe('a-b-c-|')
    })
  })

  it.each([
    ['a string', 'abc'],
    ['null', null],
    ['a number', 7],
    ['an object', { a: 1 }],
  ])('fails when it is given %s', (_, given) => {
    marbles(({ expectObservable }) => {
      const fault = { code: 'INVALID_ARGUMENT', reason: 'not_a_stream' }

      expectObservable(requestsOf(given, 'words.tally'), '--^').toBe('--#', undefined, fault)
    })
  })
})
