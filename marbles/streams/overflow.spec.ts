import { Observable, Subject, ignoreElements, mergeMap, of, take, takeWhile, tap, timer } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { hold, overflow, pacedMap } from 'millrace/streams'
import { marbles } from 'millrace/testing'
import { acknowledging } from '../../test/support/acknowledging.js'
import { consumeSlowly } from '../../test/support/slow-consumer.js'

describe('overflow', () => {
  it('passes items on to a consumer that keeps up', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('        -a-(bc)-d|')
      const result = source.pipe(overflow('error', 1))

      expectObservable(result).toBe('-a-(bc)-d|')
      expectSubscriptions(source).toBe('^--------!')
    })
  })

  it('passes on the next item when the last is consumed', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('        abc|')
      const result = source.pipe(overflow('error', 8), consumeSlowly(3))

      expectObservable(result).toBe('a--b--(c|)')
      expectSubscriptions(source).toBe('^--!')
    })
  })

  it('passes acknowledged deliveries on as such', () => {
    marbles(({ deliveries, cold, runtime, expectObservable, expectCredits }) => {
      const source = deliveries(' ab-------|')
      const inner = cold('        ---#')
      const result = source.pipe(
        acknowledging(),
        overflow('error', 1),
        pacedMap(() => inner, { runtime }),
      )

      expectObservable(result).toBe('---------|')
      expectCredits(source).toBe('    ---A--B')
    })
  })

  it('fails over the limit: error', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('        -abcde|')
      const result = source.pipe(overflow('error', 2), consumeSlowly(9))

      expectObservable(result).toBe('-a--#', undefined, { code: 'RESOURCE_EXHAUSTED', reason: 'overflow' })
      expectSubscriptions(source).toBe('^---!')
    })
  })

  it('loses the oldest over the limit: dropOldest', () => {
    marbles(({ hot, expectObservable }) => {
      const source = hot('        abcde|')
      const result = source.pipe(overflow('dropOldest', 2), consumeSlowly(5))

      expectObservable(result).toBe('a----d----(e|)')
    })
  })

  it('loses the newest over the limit: dropNewest', () => {
    marbles(({ hot, expectObservable }) => {
      const source = hot('        abcde|')
      const result = source.pipe(overflow('dropNewest', 2), consumeSlowly(5))

      expectObservable(result).toBe('a----b----(c|)')
    })
  })

  it('keeps only the newest: latest', () => {
    marbles(({ hot, expectObservable }) => {
      const source = hot('        abcde---f|')
      const result = source.pipe(overflow('latest', 8), consumeSlowly(5))

      expectObservable(result).toBe('a----e----(f|)')
    })
  })

  it('loses nothing when the limit is Infinity', () => {
    marbles(({ expectObservable }) => {
      const burst = new Observable<number>(subscriber => {
        for (let n = 0; n < 5000; n++) subscriber.next(n)
        subscriber.complete()
      })
      let last = -1
      const result = burst.pipe(
        overflow('error', Infinity),
        tap(n => (last = n)),
        consumeSlowly(1),
        ignoreElements(),
      )

      expectObservable(result).toBe('4999ms |')
      expectObservable(new Observable(s => s.next(last)), '5s ^').toBe('5s n', { n: 4999 })
    })
  })

  it('holds deliveries instead of dropping them', () => {
    marbles(({ deliveries, expectObservable, expectSubscriptions, expectCredits }) => {
      const source = deliveries(' abc|')
      const result = source.pipe(overflow('dropOldest', 1), consumeSlowly(3))

      expectObservable(result).toBe('a--b--(c|)')
      expectSubscriptions(source).toBe('^--!')
      expectCredits(source).toBe('    ---a--b--c')
    })
  })

  it('tells its source the error of its consumer', () => {
    marbles(({ deliveries, expectObservable, expectCredits }) => {
      const source = deliveries(' ab|')
      const result = source.pipe(
        overflow('error', 1),
        tap(() => {
          const release = hold()
          timer(2).subscribe(() => release?.('broken'))
        }),
      )

      expectObservable(result).toBe('a-(b|)')
      expectCredits(source).toBe('    --A-B')
    })
  })

  it('lets go of what waits when unsubscribed', () => {
    marbles(({ deliveries, expectObservable, expectSubscriptions, expectCredits }) => {
      const source = deliveries(' abc----|')
      const unsubscribe = '       ^---!'
      const result = source.pipe(overflow('error', 1), consumeSlowly(9))

      expectObservable(result, unsubscribe).toBe('a----')
      expectSubscriptions(source).toBe('^---!')
      expectCredits(source).toBe('    ----(BCA)')
    })
  })

  it('lets go of what waits when the source fails', () => {
    marbles(({ deliveries, expectObservable, expectSubscriptions, expectCredits }) => {
      const source = deliveries(' ab-#')
      const result = source.pipe(overflow('error', 1), consumeSlowly(9))

      expectObservable(result).toBe('a--#')
      expectSubscriptions(source).toBe('^--!')
      expectCredits(source).toBe('    ---(BA)')
    })
  })

  it('does not break the unsubscription chain', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('       -a-b-c-|')
      const unsubscribe = '       ^---!'
      const result = source.pipe(
        mergeMap(letter => of(letter)),
        overflow('latest', 1),
        mergeMap(letter => of(letter)),
      )

      expectObservable(result, unsubscribe).toBe('-a-b-')
      expectSubscriptions(source).toBe('^---!')
    })
  })

  it('stops listening to a synchronous source', () => {
    const seen: number[] = []
    const source = new Observable<number>(subscriber => {
      for (let n = 0; !subscriber.closed && n < 10; n++) {
        seen.push(n)
        subscriber.next(n)
      }
    })

    marbles(({ expectObservable }) => {
      expectObservable(source.pipe(overflow('error', 1), take(3))).toBe('(abc|)', { a: 0, b: 1, c: 2 })
    })

    expect(seen).toEqual([0, 1, 2])
  })

  it('keeps the order of items that its consumer pushes', () => {
    marbles(({ expectObservable }) => {
      const source$ = new Subject<number>()
      const result = source$.pipe(
        overflow('error', 8),
        tap(n => {
          if (n % 10 === 0) for (const more of [1, 2, 10]) source$.next(n + more)
        }),
        takeWhile(n => n < 30),
      )
      const started = new Observable<number>(subscriber => {
        result.subscribe(subscriber)
        source$.next(0)
      })

      expectObservable(started).toBe('(abcdefghi|)', {
        ...{ a: 0, b: 1, c: 2, d: 10, e: 11, f: 12, g: 20, h: 21, i: 22 },
      })
    })
  })

  it('passes one item to a consumer that holds it', () => {
    marbles(({ deliveries, expectObservable, expectCredits }) => {
      const source = deliveries(' abc|')
      const result = source.pipe(
        overflow('error', 1),
        tap(() => void hold()),
      )

      expectObservable(result, '^----!').toBe('a')
      expectCredits(source).toBe('-----(BC)')
    })
  })

  it.each([
    ['oldest', 1],
    ['error', 0],
    ['error', 1.5],
  ])('refuses the policy %s with the limit %d', (policy, limit) => {
    expect(() => overflow(policy as 'error', limit)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', reason: 'invalid_options' }),
    )
  })
})
