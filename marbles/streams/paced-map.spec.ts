import { EMPTY, NEVER, Observable, Subject, defer, identity, map, mergeMap, of, take, throwError } from 'rxjs'
import { describe, it } from 'vitest'
import { hold, pacedMap } from 'millrace/streams'
import { marbles } from 'millrace/testing'
import { acknowledging } from '../../test/support/acknowledging.js'
import { consumeSlowly } from '../../test/support/slow-consumer.js'

describe('pacedMap', () => {
  it('consumes a value when its inner Observable has ended', () => {
    marbles(({ deliveries, cold, expectObservable, expectSubscriptions, expectCredits, runtime }) => {
      const source = deliveries(' ab----|')
      const inner = cold('        --x|')
      //                             --x|
      const result = source.pipe(pacedMap(letter => inner.pipe(map(() => letter)), { concurrency: 1, runtime }))

      expectObservable(result).toBe('--a--b|')
      expectSubscriptions(source).toBe('^-----!')
      expectSubscriptions(inner).toBe([/*                         */ '^--!', /*                         */ '---^--!'])
      expectCredits(source).toBe('    ---a--b')
    })
  })

  it('runs as many inner Observables as concurrency allows', () => {
    marbles(({ deliveries, cold, expectObservable, expectSubscriptions, expectCredits, runtime }) => {
      const source = deliveries(' abc|')
      const inner = cold('        ---x|')
      //                           ---x|
      //                              ---x|
      const result = source.pipe(pacedMap(letter => inner.pipe(map(() => letter)), { concurrency: 2, runtime }))

      expectObservable(result).toBe('---ab--c|')
      expectSubscriptions(source).toBe('^--!')
      expectSubscriptions(inner).toBe([
        /*                         */ '^---!',
        /*                         */ '-^---!',
        /*                         */ '----^---!',
      ])
      expectCredits(source).toBe('    ----ab--c')
    })
  })

  it('consumes a value when everything emitted for it is consumed', () => {
    marbles(({ deliveries, cold, expectObservable, expectCredits, runtime }) => {
      const source = deliveries(' a---------|')
      const inner = cold('        -(xyz|)')
      const result = source.pipe(
        pacedMap(() => inner, { runtime }),
        consumeSlowly(2), // x at 3, y at 5, z at 7
      )

      expectObservable(result).toBe('-(xyz)----|')
      expectCredits(source).toBe('    -------a')
    })
  })

  it('lets go of deliveries that inner Observables pass on', () => {
    marbles(({ deliveries, expectObservable, expectCredits, runtime }) => {
      const outer = deliveries('  a-----|')
      const inner = deliveries('  -xy|')
      const result = outer.pipe(
        pacedMap(() => inner, { runtime }),
        consumeSlowly(2),
      )

      expectObservable(result).toBe('-xy---|')
      expectCredits(inner).toBe('     ---x-y')
      expectCredits(outer).toBe('     -----a')
    })
  })

  it('keeps the order of values that wait', () => {
    marbles(({ cold, expectObservable, runtime }) => {
      const source = cold('       (abc)d|')
      const inner = cold('        --x|')
      const result = source.pipe(pacedMap(letter => inner.pipe(map(() => letter)), { concurrency: 1, runtime }))

      expectObservable(result).toBe('--a--b--c--d|')
    })
  })

  it('passes the index to project', () => {
    marbles(({ cold, expectObservable, runtime }) => {
      const result = cold('       -a-b|').pipe(pacedMap((_, index) => of(index), { runtime }))

      expectObservable(result).toBe('-x-y|', { x: 0, y: 1 })
    })
  })

  it('takes arrays and iterables as inner Observables', () => {
    marbles(({ cold, expectObservable, runtime }) => {
      const result = cold('       -a----|').pipe(pacedMap(letter => [letter, letter], { runtime }))

      expectObservable(result).toBe('-(aa)-|')
    })
  })

  it('lets go of unfinished values when the source fails', () => {
    marbles(({ deliveries, expectObservable, expectSubscriptions, expectCredits, runtime }) => {
      const source = deliveries(' ab-#')
      const result = source.pipe(pacedMap(() => NEVER, { runtime }))

      expectObservable(result).toBe('---#')
      expectSubscriptions(source).toBe('^--!')
      expectCredits(source).toBe('    ---(AB)')
    })
  })

  it('fails when an inner Observable fails', () => {
    marbles(({ deliveries, cold, expectObservable, expectSubscriptions, expectCredits, runtime }) => {
      const source = deliveries(' ab------|')
      const inner = cold('        --#')
      const result = source.pipe(pacedMap(() => inner, { concurrency: 1, runtime }))

      expectObservable(result).toBe('--#')
      expectSubscriptions(source).toBe('^-!')
      expectSubscriptions(inner).toBe(' ^-!')
      expectCredits(source).toBe('    --(BA)')
    })
  })

  it('fails when project throws', () => {
    marbles(({ deliveries, expectObservable, expectSubscriptions, expectCredits, runtime }) => {
      const source = deliveries(' -ab---|')
      const project = (letter: string): Observable<string> => {
        if (letter === 'b') throw new Error('no b')
        return NEVER
      }
      const result = source.pipe(pacedMap(project, { runtime }))

      expectObservable(result).toBe('--#', undefined, new Error('no b'))
      expectSubscriptions(source).toBe('^-!')
      expectCredits(source).toBe('    --(AB)')
    })
  })

  it('goes on after a failure of an acknowledged delivery', () => {
    marbles(({ deliveries, cold, expectObservable, expectSubscriptions, expectCredits, runtime }) => {
      const source = deliveries(' abc------|')
      const failing = cold('      --#')
      const inner = cold('          ---x|')
      //                                ---x|
      const result = source.pipe(
        acknowledging(),
        pacedMap(letter => (letter === 'a' ? failing : inner.pipe(map(() => letter))), { concurrency: 1, runtime }),
      )

      expectObservable(result).toBe('-----b---c|')
      expectSubscriptions(source).toBe('^--------!')
      expectSubscriptions(failing).toBe('^-!')
      expectCredits(source).toBe('    --A---b---c')
    })
  })

  it('goes on after project threw for an acknowledged delivery', () => {
    marbles(({ deliveries, cold, expectObservable, expectCredits, runtime }) => {
      const source = deliveries(' (ab)--|')
      const inner = cold('        --(x|)')
      const project = (letter: string): Observable<string> => {
        if (letter === 'a') throw new Error('no a')
        return inner
      }

      expectObservable(source.pipe(acknowledging(), pacedMap(project, { runtime }))).toBe('--x---|')
      expectCredits(source).toBe('    A-b')
    })
  })

  it('goes on after a failure further down', () => {
    marbles(({ deliveries, cold, expectObservable, expectCredits, runtime }) => {
      const source = deliveries(' ab------|')
      const first = cold('        --(x|)')
      const result = source.pipe(
        acknowledging(),
        pacedMap(letter => first.pipe(map(() => letter)), { runtime }),
        pacedMap(letter => (letter === 'a' ? cold('-#') : of(letter)), { runtime }),
      )

      expectObservable(result).toBe('---b----|')
      expectCredits(source).toBe('    ---(bA)')
    })
  })

  it('does not acknowledge a value whose failure is undefined', () => {
    marbles(({ deliveries, expectObservable, expectCredits, runtime }) => {
      const source = deliveries(' a-|')
      const project = (): Observable<never> => throwError(() => undefined)

      expectObservable(source.pipe(acknowledging(), pacedMap(project, { runtime }))).toBe('--|')
      expectCredits(source).toBe('    A')
    })
  })

  it('subscribes inner Observables outside of the delivery', () => {
    marbles(({ deliveries, expectObservable, runtime }) => {
      const inner = defer(() => of(hold() === undefined))

      expectObservable(deliveries('-a|').pipe(pacedMap(() => inner, { runtime }))).toBe('-t|', { t: true })
    })
  })

  it('lets go of everything when unsubscribed', () => {
    marbles(({ deliveries, cold, expectObservable, expectSubscriptions, expectCredits, runtime }) => {
      const source = deliveries(' abc------|')
      const inner = cold('        ------x|')
      const unsubscribe = '       ^---!'
      const result = source.pipe(pacedMap(() => inner, { concurrency: 2, runtime }))

      expectObservable(result, unsubscribe).toBe('-----')
      expectSubscriptions(source).toBe('^---!')
      expectSubscriptions(inner).toBe([/*                         */ '^---!', /*                         */ '-^--!'])
      expectCredits(source).toBe('    ----(CAB)')
    })
  })

  it('does not break the unsubscription chain', () => {
    marbles(({ cold, expectObservable, expectSubscriptions, runtime }) => {
      const source = cold('       -a-b-c-|')
      const unsubscribe = '       ^---!'
      const result = source.pipe(
        mergeMap(letter => of(letter)),
        pacedMap(letter => of(letter), { runtime }),
        mergeMap(letter => of(letter)),
      )

      expectObservable(result, unsubscribe).toBe('-a-b-')
      expectSubscriptions(source).toBe('^---!')
    })
  })

  it('stops listening to a synchronous source', () => {
    marbles(({ expectObservable, runtime }) => {
      const seen: number[] = []
      const endless = new Observable<number>(subscriber => {
        for (let n = 0; !subscriber.closed && n < 10; n++) {
          seen.push(n)
          subscriber.next(n)
        }
      })
      const result = endless.pipe(
        pacedMap(n => of(n), { runtime }),
        take(3),
      )

      expectObservable(result).toBe('(abc|)', { a: 0, b: 1, c: 2 })
      expectObservable(new Observable(subscriber => subscriber.next(seen.length)), '-^').toBe('-n', { n: 3 })
    })
  })

  it('takes values that its own results push', () => {
    marbles(({ expectObservable, runtime }) => {
      const source$ = new Subject<number>()
      const result = source$.pipe(pacedMap(n => of(n), { runtime }))
      const looped = new Observable<number>(subscriber => {
        result.subscribe(subscriber)
        result.subscribe(n => (n < 3 ? source$.next(n + 1) : source$.complete()))
        source$.next(1)
      })

      expectObservable(looped).toBe('(abc|)', { a: 1, b: 2, c: 3 })
    })
  })

  it('completes at once when the source is empty', () => {
    marbles(({ expectObservable, runtime }) => {
      expectObservable(EMPTY.pipe(pacedMap(identity as () => Observable<never>, { runtime }))).toBe('|')
    })
  })
})
