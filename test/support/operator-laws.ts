import {
  NEVER,
  Observable,
  Subject,
  concat,
  defer,
  ignoreElements,
  merge,
  mergeMap,
  of,
  take,
  tap,
  throwError,
  timer,
  type MonoTypeOperatorFunction,
  type Subscriber,
} from 'rxjs'
import { hold, paced } from 'millrace/streams'
import { marbles, type MarbleKit } from 'millrace/testing'
import { describe, it } from 'vitest'
import { consumeSlowly } from './slow-consumer.js'

/** Makes an operator that passes every item on unchanged, at once. */
export type Passing = (kit: MarbleKit) => MonoTypeOperatorFunction<string>

/** An operator, in the state in which it passes every item on unchanged, at once. */
export interface OperatorScenario {
  readonly passing: Passing
  /** What it makes of the error `'error'`. @default passes it on */
  readonly error?: unknown
  /** The same operator, which calls `callback` with every item. @default it takes no callback */
  readonly calling?: (kit: MarbleKit, callback: (letter: string) => void) => MonoTypeOperatorFunction<string>
  /** What it makes of an error that the callback throws. @default passes it on */
  readonly thrown?: unknown
  /** Whether an item at which the callback throws counts as not processed. @default false */
  readonly naks?: boolean
}

/** Something that holds for every operator that passes items on. */
export interface OperatorLaw {
  readonly title: string
  /** Whether it is about such an operator at all. */
  appliesTo(scenario: OperatorScenario): boolean
  /** Throws when it does not hold. */
  run(scenario: OperatorScenario): void
}

interface Law extends MarbleKit {
  /** The operator. */
  readonly passing: MonoTypeOperatorFunction<string>
  /** The error that it makes of `'error'`. */
  readonly error: unknown
}

const always = (): boolean => true

function law(title: string, spec: (kit: Law) => void): OperatorLaw {
  return {
    title,
    appliesTo: always,
    run: ({ passing, error = 'error' }) =>
      marbles(kit => spec({ ...kit, passing: passing(kit), error }), { maxMs: 60_000 }),
  }
}

/** A law of operators whose callback throws at `b`. */
function callbackLaw(title: string, appliesTo: OperatorLaw['appliesTo'], spec: (kit: Law) => void): OperatorLaw {
  const noB = (letter: string): void => {
    if (letter === 'b') throw new Error('no b')
  }
  return {
    title,
    appliesTo: scenario => scenario.calling !== undefined && appliesTo(scenario),
    run: ({ calling, thrown = new Error('no b') }) =>
      marbles(kit => {
        if (calling !== undefined) spec({ ...kit, passing: calling(kit, noB), error: thrown })
      }),
  }
}

/** A consumer that lets go of nothing before it is unsubscribed. */
const holding: MonoTypeOperatorFunction<string> = source =>
  new Observable(subscriber => {
    const held: ReturnType<typeof hold>[] = []
    subscriber.add(source.pipe(tap(() => void held.push(hold()))).subscribe(subscriber))
    subscriber.add(() => {
      for (const release of held) release?.('gone')
    })
  })

/** What `observe` sees of the operator within one turn, as an Observable of one text. */
const inOneTurn = (observe: () => string): Observable<string> => defer(() => of(observe()))

/** A source that does `emit`, and how often it was torn down. */
function counted(emit: (subscriber: Subscriber<string>) => void): { letter$: Observable<string>; torn: number } {
  const books = {
    torn: 0,
    letter$: new Observable<string>(subscriber => {
      subscriber.add(() => books.torn++)
      emit(subscriber)
    }),
  }
  return books
}

const ignore = { error: () => {} }

/** The laws, one reason to fail each. */
export const operatorLaws: readonly OperatorLaw[] = [
  law('nothing happens before it is subscribed', ({ cold, passing, expectSubscriptions }) => {
    const source = cold('-a-|')
    source.pipe(passing)
    expectSubscriptions(source).toBe([])
  }),
  law('never stays open', ({ passing, expectObservable }) => {
    expectObservable(NEVER.pipe(passing), '^---!').toBe('-')
  }),
  law('empty completes', ({ cold, passing, expectObservable, expectSubscriptions }) => {
    const source = cold('               --|')
    expectObservable(source.pipe(passing)).toBe('--|')
    expectSubscriptions(source).toBe('  ^-!')
  }),
  law('one passes', ({ deliveries, passing, expectObservable, expectSubscriptions }) => {
    const source = deliveries('         --a-|')
    expectObservable(source.pipe(passing)).toBe('--a-|')
    expectSubscriptions(source).toBe('  ^---!')
  }),
  law('many pass in order', ({ deliveries, passing, expectObservable, expectSubscriptions }) => {
    const source = deliveries('         -a-(bc)-d|')
    expectObservable(source.pipe(passing)).toBe('-a-(bc)-d|')
    expectSubscriptions(source).toBe('  ^--------!')
  }),
  law('what is pushed passes in order', ({ hot, passing, expectObservable, expectSubscriptions }) => {
    const source = hot('                -a-(bc)-d|')
    expectObservable(source.pipe(passing)).toBe('-a-(bc)-d|')
    expectSubscriptions(source).toBe('  ^--------!')
  }),
  law('an error passes', ({ cold, passing, error, expectObservable, expectSubscriptions }) => {
    const source = cold('               -a-#')
    expectObservable(source.pipe(passing)).toBe('-a-#', undefined, error)
    expectSubscriptions(source).toBe('  ^--!')
  }),
  law('a synchronous source passes', ({ passing, expectObservable }) => {
    expectObservable(of('a', 'b', 'c').pipe(passing)).toBe('(abc|)')
  }),
  law('a synchronous error passes', ({ passing, error, expectObservable }) => {
    const failing = concat(
      of('a'),
      throwError(() => 'error'),
    )
    expectObservable(failing.pipe(passing)).toBe('(a#)', undefined, error)
  }),
  law('a synchronous source is stopped', ({ passing, expectObservable }) => {
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
  law('a re-entrant source loses nothing', ({ passing, expectObservable }) => {
    const observe = (): string => {
      const letter$ = new Subject<string>()
      let seen = ''
      letter$.pipe(passing).subscribe(letter => {
        seen += letter
        if (letter < 'c') letter$.next(letter === 'a' ? 'b' : 'c')
      })
      letter$.next('a')
      letter$.complete()
      return seen
    }
    expectObservable(inOneTurn(observe)).toBe('(s|)', { s: 'abc' })
  }),
  law('a re-entrant end comes once', ({ passing, expectObservable }) => {
    const observe = (): string => {
      const letter$ = new Subject<string>()
      let seen = ''
      letter$.pipe(passing).subscribe({
        next: letter => {
          seen += letter
          letter$.complete()
        },
        complete: () => (seen += '|'),
      })
      letter$.next('a')
      letter$.next('b')
      return seen
    }
    expectObservable(inOneTurn(observe)).toBe('(s|)', { s: 'a|' })
  }),
  law('a re-entrant unsubscribe is the end', ({ passing, expectObservable }) => {
    const observe = (): string => {
      const letter$ = new Subject<string>()
      let seen = ''
      const subscription = letter$.pipe(passing).subscribe({
        next: letter => {
          seen += letter
          subscription.unsubscribe()
          letter$.next('b')
        },
        complete: () => (seen += '|'),
      })
      letter$.next('a')
      const { observed } = letter$
      letter$.complete()
      return `${seen} ${observed}`
    }
    expectObservable(inOneTurn(observe)).toBe('(s|)', { s: 'a false' })
  }),
  law('unsubscribing reaches the source', ({ deliveries, passing, expectObservable, expectSubscriptions }) => {
    const source = deliveries('         -a-b-c-|')
    expectObservable(source.pipe(passing), '^---!').toBe('-a-b')
    expectSubscriptions(source).toBe('  ^---!')
  }),
  law('completing downstream reaches the source', ({ deliveries, passing, expectObservable, expectSubscriptions }) => {
    const source = deliveries('         -a-b-c-|')
    expectObservable(source.pipe(passing, take(2))).toBe('-a-(b|)')
    expectSubscriptions(source).toBe('  ^--!')
  }),
  law('the unsubscription chain is not broken', ({ cold, passing, expectObservable, expectSubscriptions }) => {
    const source = cold('               -a-b-c-|')
    const chain = source.pipe(
      mergeMap(letter => of(letter)),
      passing,
      mergeMap(letter => of(letter)),
    )
    expectObservable(chain, '           ^---!').toBe('-a-b')
    expectSubscriptions(source).toBe('  ^---!')
  }),
  law('unsubscribing tears the source down, once, at once', ({ passing, expectObservable }) => {
    const observe = (): string => {
      const source = counted(subscriber => subscriber.next('a'))
      const subscription = source.letter$.pipe(passing).subscribe()
      const before = source.torn
      subscription.unsubscribe()
      const after = source.torn
      subscription.unsubscribe()
      return `${before} ${after} ${source.torn}`
    }
    expectObservable(inOneTurn(observe)).toBe('(s|)', { s: '0 1 1' })
  }),
  law('the end tears the source down, once, at once', ({ passing, expectObservable }) => {
    const observe = (): string => {
      const completing = counted(subscriber => subscriber.complete())
      const failing = counted(subscriber => subscriber.error('error'))
      const subscriptions = [completing, failing].map(({ letter$ }) => letter$.pipe(passing).subscribe(ignore))
      const after = [completing.torn, failing.torn]
      for (const subscription of subscriptions) subscription.unsubscribe()
      return [...after, completing.torn, failing.torn].join(' ')
    }
    expectObservable(inOneTurn(observe)).toBe('(s|)', { s: '1 1 1 1' })
  }),
  law('nothing comes after the end', ({ passing, expectObservable }) => {
    const observe = (): string => {
      let seen = ''
      const source = counted(subscriber => {
        for (const letter of ['a', 'b']) {
          subscriber.next(letter)
          subscriber.complete()
          subscriber.error('error')
        }
      })
      const see = {
        next: (letter: string) => (seen += letter),
        error: () => (seen += '#'),
        complete: () => (seen += '|'),
      }
      source.letter$.pipe(passing).subscribe(see)
      return seen
    }
    expectObservable(inOneTurn(observe)).toBe('(s|)', { s: 'a|' })
  }),
  law('subscriptions share nothing', ({ cold, passing, expectObservable, expectSubscriptions }) => {
    const source = cold('               -a---|')
    const passed = source.pipe(passing)
    expectObservable(merge(passed, passed)).toBe('-(aa)|')
    expectSubscriptions(source).toBe(['^----!', '^----!'])
  }),
  law('subscribed again, it starts anew', ({ cold, passing, expectObservable, expectSubscriptions }) => {
    const source = cold('                     -a-b|')
    const passed = source.pipe(passing)
    expectObservable(concat(passed, passed)).toBe('-a-b-a-b|')
    expectSubscriptions(source).toBe(['       ^---!', '----^---!'])
  }),
  law('a callback that throws downstream ends it', ({ deliveries, passing, expectObservable, expectSubscriptions }) => {
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
  callbackLaw(
    'its own callback that throws ends it',
    always,
    ({ deliveries, passing, error, expectObservable, expectSubscriptions }) => {
      const source = deliveries('         -a-b-c-|')
      expectObservable(source.pipe(passing)).toBe('-a-#', undefined, error)
      expectSubscriptions(source).toBe('  ^--!')
    },
  ),
  callbackLaw(
    'what its own callback throws at is not processed',
    ({ naks = false }) => naks,
    ({ deliveries, passing, error, expectObservable, expectCredits }) => {
      const source = deliveries('         -a-b-c-|')
      expectObservable(source.pipe(passing)).toBe('-a-#', undefined, error)
      expectCredits(source).toBe('        -a-B')
    },
  ),
  law('a synchronous consumer consumes at once', ({ deliveries, passing, expectObservable, expectCredits }) => {
    const source = deliveries('         -a-(bc)-d|')
    expectObservable(source.pipe(passing)).toBe('-a-(bc)-d|')
    expectCredits(source).toBe('        -a-(bc)-d')
  }),
  law('what a consumer holds is not consumed', ({ deliveries, passing, expectObservable, expectCredits }) => {
    const source = deliveries('         -a-----|')
    expectObservable(source.pipe(passing, holding), '^----!').toBe('-a')
    expectCredits(source).toBe('        -----A')
  }),
  law('what is consumed after the end was consumed', ({ deliveries, passing, expectObservable, expectCredits }) => {
    const source = deliveries('         -a|')
    const late = tap(() => {
      const release = hold()
      timer(4).subscribe(() => release?.())
    })
    const open = concat(source.pipe(passing, late), NEVER) // some complete when everything is consumed
    expectObservable(open, '            ^-----!').toBe('-a')
    expectCredits(source).toBe('        -----a')
  }),
  law('a source is asked as its consumer consumes', ({ passing, expectObservable }) => {
    expectObservable(paced('abc').pipe(passing, consumeSlowly(2))).toBe('a-b-c-|')
  }),
  law('every delivery is let go of once when unsubscribed', ({ deliveries, passing, expectObservable }) => {
    const source = deliveries('a-b-c-d')
    const credits = new Observable(subscriber => {
      const letters = source.credits.map(([frame, letter]) => `${frame}${letter}`)
      subscriber.next(letters.toSorted().join(' '))
    })
    expectObservable(source.pipe(passing, holding, ignoreElements()), '^--!').toBe('-')
    expectObservable(credits, '----^!').toBe('----c', { c: '3A 3B' })
  }),
]

/** Runs the laws as specs of an operator. */
export function testOperatorLaws(name: string, scenario: OperatorScenario): void {
  describe(name, () => {
    for (const each of operatorLaws) if (each.appliesTo(scenario)) it(each.title, () => each.run(scenario))
  })
}
