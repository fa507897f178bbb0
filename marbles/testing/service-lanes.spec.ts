import { actor, clientStream, contract, duplex, serverStream, tell, unary } from 'millrace/actors'
import { RpcError } from 'millrace/core'
import { pacedMap } from 'millrace/streams'
import { marbles } from 'millrace/testing'
import { delay, map, of, reduce, scan, throwError, timer } from 'rxjs'
import { describe, it } from 'vitest'

const Counter = contract('counter', {
  add: unary<number, number>(),
  late: unary<number, number>(),
  upTo: serverStream<number, number>(),
  sum: clientStream<number, number>(),
  running: duplex<number, number>(),
  slowly: duplex<string, string>(),
  reset: tell<number>(),
})

/** Handlers over one number. RxJS timers without a scheduler are virtual here. */
const counter = () => {
  let total = 0
  return actor(Counter, {
    add: n => (n < 0 ? throwError(() => new RpcError('OUT_OF_RANGE', 'no')) : of((total += n))),
    late: n => timer(n).pipe(map(() => n)),
    upTo: n => Array.from({ length: n }, (_, index) => index + 1),
    sum: n$ => n$.pipe(reduce((sum, n) => sum + n, 0)),
    running: n$ => n$.pipe(scan((sum, n) => sum + n, 0)),
    slowly: word$ => word$.pipe(pacedMap(word => of(word).pipe(delay(2)), { concurrency: 1 })),
    reset: n => {
      total = n
    },
  })
}

describe('given', () => {
  it('makes a call of each request', () => {
    marbles(({ given, requests, expectReplies }) => {
      given(counter(), 'add')
      requests('     -1-2--1|', { 1: 1, 2: 2 })
      expectReplies('-a-c--d|', { a: 1, c: 3, d: 4 })
    })
  })

  it('shows the failure of one call by its code', () => {
    marbles(({ given, requests, expectReplies }) => {
      given(counter(), 'add')
      requests('     -1-x-1|', { 1: 1, x: -1 })
      expectReplies('-a-e-b|', { a: 1, b: 2, e: { code: 'OUT_OF_RANGE' } })
    })
  })

  it('maps a stream to a stream', () => {
    marbles(({ given, requests, expectReplies, expectRequests, expectHandler }) => {
      given(counter(), 'running')
      requests('      -1--2-3|', { 1: 1, 2: 2, 3: 3 })
      expectRequests('-1--2-3|', { 1: 1, 2: 2, 3: 3 })
      expectReplies(' -a--c-f|', { a: 1, c: 3, f: 6 })
      expectHandler(' ^------!')
    })
  })

  it('answers a stream once', () => {
    marbles(({ given, requests, expectReplies }) => {
      given(counter(), 'sum')
      requests('     -1-2-3---|   ', { 1: 1, 2: 2, 3: 3 })
      expectReplies('---------(f|)', { f: 6 })
    })
  })

  it('gives replies as they are asked for', () => {
    marbles(({ given, requests, demand, expectReplies }) => {
      given(counter(), 'upTo')
      requests('     (3|)      ', { 3: 3 })
      demand('       --1--1--1 ')
      expectReplies('a-b--c--|', { a: 1, b: 2, c: 3 })
    })
  })

  it('shows when requests are consumed', () => {
    marbles(({ given, requests, expectReplies, expectConsumed }) => {
      given(counter(), 'slowly')
      requests('      (abc)|')
      expectReplies(' --a-b-(c|)')
      expectConsumed('--a-b-c')
    })
  })

  it('ends the handler when the caller cancels', () => {
    marbles(({ given, requests, cancel, expectReplies, expectHandler }) => {
      given(counter(), 'running')
      requests('     -1--1--1', { 1: 1 })
      cancel('       -----!')
      expectReplies('-a--b--', { a: 1, b: 2 })
      expectHandler('^----!')
    })
  })

  it('ends calls at their deadline', () => {
    marbles(({ given, requests, deadline, expectReplies, expectHandler }) => {
      given(counter(), 'late')
      requests('     -2-9|', { 2: 2, 9: 9 })
      deadline('      -----|')
      expectReplies('---2----(e|)', { 2: 2, e: { code: 'DEADLINE_EXCEEDED' } })
      expectHandler(['-^-!', '---^----!'])
    })
  })

  it('tells that a request was taken', () => {
    marbles(({ given, requests, expectReplies, expectRequests }) => {
      given(counter(), 'reset')
      requests('      -5-7|', { 5: 5, 7: 7 })
      expectRequests('-5-7', { 5: 5, 7: 7 })
      expectReplies(' ----|')
    })
  })

  it('shares its state among callers', () => {
    marbles(({ given }) => {
      const { caller } = given(counter())
      const [ann, bob] = [caller('add'), caller('add')]

      ann.requests('     -1---1-|', { 1: 1 })
      bob.requests('     ---2---|', { 2: 2 })
      ann.expectReplies('-a---d-|', { a: 1, d: 4 })
      bob.expectReplies('---c---|', { c: 3 })
    })
  })
})
