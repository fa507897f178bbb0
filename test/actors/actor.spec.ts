import { actor, contract, createServer, createStub, unary } from 'millrace/actors'
import { describe, expect, it } from 'vitest'
import { record } from '../support/recording.js'
import { thrownBy } from '../support/thrown-by.js'

const Words = contract('words', { count: unary<string, number>(), longest: unary<string, string>() })

describe('actor', () => {
  it('lists handlers that are missing or too many', () => {
    const error = thrownBy(() => actor(Words, { counts: () => 1, longest: () => '' } as never))

    expect(error.reason).toBe('invalid_behaviour')
    expect(error.details).toEqual(['no handler for count', 'handler counts answers no endpoint'])
  })

  it('refuses to have neither endpoints nor topics', () => {
    const error = thrownBy(() => actor(contract('nothing', {}), {}))

    expect(error).toMatchObject({ reason: 'invalid_behaviour', details: ['neither endpoints nor topics'] })
  })

  it('calls handlers as methods of the behaviour', () => {
    class Counter {
      private readonly factor = 10
      count(text: string): number {
        return text.length * this.factor
      }
      longest(text: string): string {
        return text
      }
    }
    const words = createStub(Words, createServer({ actors: [actor(Words, new Counter())] }))

    const { values } = record(words.count('abc'))

    expect(values).toEqual([30])
  })
})
