import { NEVER, Subject, concat, take, takeUntil } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { paced, pacedMap } from 'millrace/streams'
import { marbles } from 'millrace/testing'
import { consumeSlowly } from '../../test/support/slow-consumer.js'

/** Letters, and what became of their iterator. */
const letters = (text: string): Iterable<string> & { taken: string; closed: number } => {
  const books = { taken: '', closed: 0 }
  return Object.assign(books, {
    *[Symbol.iterator]() {
      try {
        for (const letter of text) {
          books.taken += letter
          yield letter
        }
      } finally {
        books.closed++
      }
    },
  })
}

describe('paced', () => {
  it('emits all at once to a consumer that keeps up', () => {
    marbles(({ expectObservable }) => {
      expectObservable(paced(['a', 'b', 'c'])).toBe('(abc|)')
    })
  })

  it('emits the next item when the last is consumed', () => {
    marbles(({ expectObservable }) => {
      const result = paced('abc').pipe(consumeSlowly(2))

      expectObservable(result).toBe('a-b-c-|')
    })
  })

  it('emits as many items ahead as the window', () => {
    marbles(({ expectObservable }) => {
      const result = paced('abcde', { window: 3 }).pipe(consumeSlowly(5))

      expectObservable(result).toBe('(abc)d----e----|')
    })
  })

  it('takes nothing before it is subscribed', () => {
    marbles(({ expectObservable }) => {
      const source = letters('ab')
      const result = paced(source)

      expect(source.taken).toBe('')
      expectObservable(result, '--^').toBe('--(ab|)')
    })
  })

  it('opens an iterator for each subscription', () => {
    marbles(({ expectObservable }) => {
      const source = paced(letters('ab'))

      expectObservable(concat(source, source)).toBe('(abab|)')
    })
  })

  it('takes no more than was asked for', () => {
    const source = letters('abcdef')

    marbles(({ expectObservable }) => {
      expectObservable(paced(source).pipe(take(2))).toBe('(ab|)')
    })

    expect(source).toMatchObject({ taken: 'ab', closed: 1 })
  })

  it('closes the iterator when unsubscribed', () => {
    const source = letters('abcdef')

    marbles(({ expectObservable }) => {
      const result = paced(source).pipe(consumeSlowly(2))

      expectObservable(result, '^--!').toBe('a-b')
    })

    expect(source).toMatchObject({ taken: 'ab', closed: 1 })
  })

  it('closes the iterator once when it has ended', () => {
    const source = letters('ab')

    marbles(({ expectObservable }) => {
      expectObservable(paced(source)).toBe('(ab|)')
    })

    expect(source).toMatchObject({ taken: 'ab', closed: 1 })
  })

  it('passes an error of the iterator on', () => {
    marbles(({ expectObservable }) => {
      function* broken(): Generator<string> {
        yield 'a'
        throw new Error('torn')
      }

      expectObservable(paced(broken())).toBe('(a#)', undefined, new Error('torn'))
    })
  })

  it('closes a generator that is unsubscribed while it runs', () => {
    const stop$ = new Subject<void>()
    const events: unknown[] = []
    function* stopping(): Generator<string> {
      try {
        yield 'a'
        stop$.next()
        events.push('goes on')
        yield 'b'
      } catch (error) {
        events.push(error)
      } finally {
        events.push('closed')
      }
    }

    marbles(({ expectObservable }) => {
      const result = paced(stopping()).pipe(takeUntil(stop$), consumeSlowly(1))

      expectObservable(result).toBe('a|')
    })

    expect(events).toEqual(['goes on', 'closed'])
  })

  it('is held by pacedMap behind it', () => {
    marbles(({ cold, expectObservable, expectSubscriptions, runtime }) => {
      const inner = cold('        -----x|')
      const result = paced('abc', { window: 2 }).pipe(pacedMap(() => inner, { runtime }))

      expectObservable(result).toBe('-----(xx)--x|')
      expectSubscriptions(inner).toBe([
        /*                         */ '^-----!',
        /*                         */ '^-----!',
        /*                         */ '------^-----!',
      ])
    })
  })

  it('stays open as long as the consumer holds', () => {
    const source = letters('abc')

    marbles(({ expectObservable, runtime }) => {
      const stuck = paced(source).pipe(pacedMap(() => NEVER, { runtime, stalledAfterMs: 10, onStalled: () => {} }))

      expectObservable(stuck).toBe('-')
    })

    expect(source.taken).toBe('a')
  })
})
