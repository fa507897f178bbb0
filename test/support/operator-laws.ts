import {
  NEVER,
  Observable,
  Subject,
  concat,
  ignoreElements,
  merge,
  mergeMap,
  of,
  take,
  tap,
  throwError,
  type MonoTypeOperatorFunction,
} from 'rxjs'
import { hold } from 'millrace/streams'
import { marbles, type MarbleKit } from 'millrace/testing'

/** Makes an operator that passes every item on unchanged, at once. */
export type Passing = (kit: MarbleKit) => MonoTypeOperatorFunction<string>

/** Something that holds for every operator that passes items on. It throws when it does not. */
export interface OperatorLaw {
  readonly title: string
  run(passing: Passing): void
}

const law = (
  title: string,
  spec: (kit: MarbleKit, passing: MonoTypeOperatorFunction<string>) => void,
): OperatorLaw => ({
  title,
  run: passing => marbles(kit => spec(kit, passing(kit)), { maxMs: 60_000 }),
})

/** A consumer that lets go of nothing before it is unsubscribed. */
const holding: MonoTypeOperatorFunction<string> = source =>
  new Observable(subscriber => {
    const held: ReturnType<typeof hold>[] = []
    subscriber.add(source.pipe(tap(() => void held.push(hold()))).subscribe(subscriber))
    subscriber.add(() => {
      for (const release of held) release?.('gone')
    })
  })

/** The laws, one reason to fail each. */
export const operatorLaws: readonly OperatorLaw[] = [
  law('never stays open', ({ expectObservable }, passing) => {
    expectObservable(NEVER.pipe(passing), '^---!').toBe('-')
  }),
  law('empty completes', ({ cold, expectObservable, expectSubscriptions }, passing) => {
    const source = cold('               --|')
    expectObservable(source.pipe(passing)).toBe('--|')
    expectSubscriptions(source).toBe('  ^-!')
  }),
  law('one and many pass in order', ({ deliveries, expectObservable, expectSubscriptions }, passing) => {
    const source = deliveries('         -a-(bc)-d|')
    expectObservable(source.pipe(passing)).toBe('-a-(bc)-d|')
    expectSubscriptions(source).toBe('  ^--------!')
  }),
  law('an error passes', ({ cold, expectObservable, expectSubscriptions }, passing) => {
    const source = cold('               -a-#')
    expectObservable(source.pipe(passing)).toBe('-a-#')
    expectSubscriptions(source).toBe('  ^--!')
  }),
  law('an error at once passes', ({ expectObservable }, passing) => {
    expectObservable(
      concat(
        of('a'),
        throwError(() => 'error'),
      ).pipe(passing),
    ).toBe('(a#)')
  }),
  law(
    'unsubscribing reaches the source in the same frame',
    ({ deliveries, expectObservable, expectSubscriptions }, passing) => {
      const source = deliveries('         -a-b-c-|')
      expectObservable(source.pipe(passing), '^---!').toBe('-a-b')
      expectSubscriptions(source).toBe('  ^---!')
    },
  ),
  law('completing downstream reaches the source', ({ deliveries, expectObservable, expectSubscriptions }, passing) => {
    const source = deliveries('         -a-b-c-|')
    expectObservable(source.pipe(passing, take(2))).toBe('-a-(b|)')
    expectSubscriptions(source).toBe('  ^--!')
  }),
  law('the unsubscription chain is not broken', ({ cold, expectObservable, expectSubscriptions }, passing) => {
    const source = cold('               -a-b-c-|')
    const chain = source.pipe(
      mergeMap(letter => of(letter)),
      passing,
      mergeMap(letter => of(letter)),
    )
    expectObservable(chain, '           ^---!').toBe('-a-b')
    expectSubscriptions(source).toBe('  ^---!')
  }),
  law('a synchronous source is stopped', ({ expectObservable }, passing) => {
    let emitted = 0
    const endless = new Observable<string>(subscriber => {
      while (!subscriber.closed && emitted < 1000) {
        emitted++
        subscriber.next('a')
      }
    })
    expectObservable(endless.pipe(passing, take(3))).toBe('(aaa|)')
    expectObservable(new Observable(subscriber => subscriber.next(emitted)), '-^!').toBe('-n', { n: 3 })
  }),
  law('a re-entrant source loses nothing', ({ expectObservable }, passing) => {
    const source$ = new Subject<string>()
    const seen: string[] = []
    const grown = new Observable<string>(subscriber => {
      const subscription = source$.pipe(passing).subscribe(letter => {
        seen.push(letter)
        if (letter < 'c') source$.next(letter === 'a' ? 'b' : 'c')
      })
      source$.next('a')
      subscriber.next(seen.join(''))
      return subscription
    })
    expectObservable(grown, '^!').toBe('s', { s: 'abc' })
  }),
  law('a synchronous consumer consumes at once', ({ deliveries, expectObservable, expectCredits }, passing) => {
    const source = deliveries('         -a-(bc)-d|')
    expectObservable(source.pipe(passing)).toBe('-a-(bc)-d|')
    expectCredits(source).toBe('        -a-(bc)-d')
  }),
  law('what a consumer holds is not consumed', ({ deliveries, expectObservable, expectCredits }, passing) => {
    const source = deliveries('         -a-----|')
    expectObservable(source.pipe(passing, holding), '^----!').toBe('-a')
    expectCredits(source).toBe('        -----A')
  }),
  law('every delivery is let go of once when unsubscribed', ({ deliveries, expectObservable }, passing) => {
    const source = deliveries('         a-b-c-d')
    const credits = new Observable(subscriber => {
      const letters = source.credits.map(([frame, letter]) => `${frame}${letter}`)
      subscriber.next(letters.toSorted().join(' '))
    })
    expectObservable(source.pipe(passing, holding, ignoreElements()), '^--!').toBe('-')
    expectObservable(credits, '         ----^!').toBe('----c', { c: '3A 3B' })
  }),
  law('a callback that throws downstream ends it', ({ deliveries, expectObservable, expectSubscriptions }, passing) => {
    const source = deliveries('         -a-b-|')
    const thrown = source.pipe(
      passing,
      tap(letter => {
        if (letter === 'b') throw new Error('no b')
      }),
    )
    expectObservable(thrown).toBe('-a-#', undefined, new Error('no b'))
    expectSubscriptions(source).toBe('  ^--!')
  }),
  law('subscriptions share nothing', ({ cold, expectObservable, expectSubscriptions }, passing) => {
    const source = cold('               -a---|')
    const passed = source.pipe(passing)
    expectObservable(merge(passed, passed)).toBe('-(aa)|')
    expectSubscriptions(source).toBe(['^----!', '^----!'])
  }),
]
