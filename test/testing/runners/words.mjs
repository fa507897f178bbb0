// One file for three runners: vitest, jest and node:test. The kit needs no adapter for any of them.
import { actor, contract, duplex } from 'millrace/actors'
import { marbles } from 'millrace/testing'
import { map } from 'rxjs'

const { VITEST, JEST_WORKER_ID, WORDS_FAIL } = process.env
const runner = VITEST ? 'vitest' : JEST_WORKER_ID ? '@jest/globals' : 'node:test'
const { test } = await import(runner)

/** @type {import('millrace/actors').EndpointDefinition<'duplex', string, string, unknown, unknown>} */
const longest = duplex()
const Words = contract('words', { longest })
const words = actor(Words, { longest: line$ => line$.pipe(map(line => ({ length: line.length }))) })

test('answers every line', () => {
  marbles(({ given, requests, expectReplies }) => {
    given(words, 'longest')
    requests('     -a-b--|', { a: 'to', b: 'be or not' })
    expectReplies('-x-y--|', { x: { length: 2 }, y: { length: 9 } })
  })
})

if (WORDS_FAIL) {
  test('answers too late', () => {
    marbles(({ given, requests, expectReplies }) => {
      given(words, 'longest')
      requests('     -a-b--|', { a: 'to', b: 'be or not' })
      expectReplies('-x--y-|', { x: { length: 2 }, y: { length: 10 } })
    })
  })
}
