import { Observable, Subject, map, merge, mergeMap, of, share, tap, timer } from 'rxjs'
import { describe, it } from 'vitest'
import { deliver, hold, redeliver, type Release } from 'millrace/streams'
import { marbles } from 'millrace/testing'
import { consumeSlowly } from '../../test/support/slow-consumer.js'

/** Holds each item for `ms`, then lets go of it, with `error` if it is given. */
const holdFor = (ms: number, error?: unknown) =>
  tap(() => {
    const release = hold()
    timer(ms).subscribe(() => release?.(error))
  })

describe('deliver', () => {
  it('consumes an item at once when nobody holds it', () => {
    marbles(({ deliveries, expectObservable, expectSubscriptions, expectCredits }) => {
      const source = deliveries(' -a-(bc)-|')

      expectObservable(source).toBe('-a-(bc)-|')
      expectSubscriptions(source).toBe('^-------!')
      expectCredits(source).toBe('-a-(bc)')
    })
  })

  it('waits for the holder', () => {
    marbles(({ deliveries, expectObservable, expectCredits }) => {
      const source = deliveries('            -a-b|')

      expectObservable(source.pipe(holdFor(3))).toBe('-a-b|')
      expectCredits(source).toBe('               ----a-b')
    })
  })

  it('waits for the slowest holder', () => {
    marbles(({ deliveries, expectObservable, expectCredits }) => {
      const source = deliveries(' -a---|')
      const shared = source.pipe(share())
      const both = merge(shared.pipe(holdFor(2)), shared.pipe(holdFor(4)))

      expectObservable(both).toBe('-(aa)|')
      expectCredits(source).toBe(' -----a')
    })
  })

  it('tells the error of a holder', () => {
    marbles(({ deliveries, expectObservable, expectCredits }) => {
      const source = deliveries('            -a---|')
      const both = source.pipe(holdFor(1, 'broken'), holdFor(3))

      expectObservable(both).toBe('           -a---|')
      expectCredits(source).toBe('               ----A')
    })
  })

  it('passes through what maps, filters and flattens at once', () => {
    marbles(({ deliveries, expectObservable, expectCredits }) => {
      const source = deliveries(' ab----|')
      const result = source.pipe(
        map(letter => letter + letter),
        mergeMap(letters => of(letters)),
        consumeSlowly(2),
      )

      expectObservable(result).toBe('xy----|', { x: 'aa', y: 'bb' })
      expectCredits(source).toBe('   --a-b')
    })
  })

  it('is the innermost delivery that is held', () => {
    marbles(({ deliveries, expectObservable, expectCredits }) => {
      const inner$ = new Subject<string>()
      const seen: string[] = []
      const source = deliveries('-a--|')
      const nested = source.pipe(
        tap(letter => deliver({ next: v => inner$.next(v) }, letter, () => void seen.push(letter))),
      )
      inner$.pipe(holdFor(2)).subscribe()

      expectObservable(nested).toBe('-a--|')
      expectCredits(source).toBe('-a')
      expectObservable(timer(2).pipe(map(() => seen.length))).toBe('--(n|)', { n: 0 })
      expectObservable(timer(4).pipe(map(() => seen.length))).toBe('----(n|)', { n: 1 })
    })
  })
})

describe('hold', () => {
  it('gives nothing outside of a delivery', () => {
    marbles(({ cold, expectObservable }) => {
      const held = cold('-a|').pipe(map(() => hold() === undefined))

      expectObservable(held).toBe('-t|', { t: true })
    })
  })

  it('counts each hold once and each release once', () => {
    marbles(({ deliveries, expectObservable, expectCredits }) => {
      const source = deliveries(' a-----|')
      const twice = source.pipe(
        tap(() => {
          const releases: (Release | undefined)[] = [hold(), hold()]
          timer(1).subscribe(() => releases[0]?.())
          timer(2).subscribe(() => releases[0]?.())
          timer(4).subscribe(() => releases[1]?.())
        }),
      )

      expectObservable(twice).toBe('a-----|')
      expectCredits(source).toBe('  ----a')
    })
  })

  it('may be released after the end', () => {
    marbles(({ deliveries, expectObservable, expectCredits }) => {
      const source = deliveries('            -a|')

      expectObservable(source.pipe(holdFor(5))).toBe('-a|')
      expectCredits(source).toBe('               ------a')
    })
  })
})

describe('redeliver', () => {
  it('keeps the delivery that it was made of', () => {
    marbles(({ deliveries, expectObservable, expectCredits }) => {
      const source = deliveries('   ab------|')
      const forwarded = new Observable<string>(subscriber =>
        source.subscribe({
          next: letter => redeliver(subscriber, letter, () => {}),
          complete: () => subscriber.complete(),
        }),
      )

      expectObservable(forwarded.pipe(consumeSlowly(3))).toBe('ab------|')
      expectCredits(source).toBe('     ---a--b')
    })
  })
})
