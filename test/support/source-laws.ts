import { concat, defer, ignoreElements, merge, NEVER, type Observable, of, take, tap } from 'rxjs'
import { hold } from 'millrace/streams'
import { marbles, type MarbleKit } from 'millrace/testing'
import { describe, it } from 'vitest'

/** A source that takes its items out of an iterable. */
export interface SourceScenario {
  readonly made: (letters: Iterable<string>) => Observable<string>
  /** Most items that it has taken and nobody has consumed. */
  readonly window: number
}

/** Something that holds for every source made of an iterable. */
export interface SourceLaw {
  readonly title: string
  /** Throws when it does not hold. */
  run(scenario: SourceScenario): void
}

/** Letters, and what becomes of their iterators. */
interface Letters extends Iterable<string> {
  /** How many iterators were opened, letters taken, and iterators closed before their end. */
  readonly books: { opened: number; taken: number; closed: number }
}

/** `text`, then the end, or an error after a `#`. Many iterators, each with a `return`. */
function lettersOf(text: string): Letters {
  const books = { opened: 0, taken: 0, closed: 0 }
  return {
    books,
    [Symbol.iterator]() {
      books.opened++
      let index = 0
      return {
        next: (): IteratorResult<string> => {
          const letter = text[index++]
          if (letter === '#') throw new Error('torn')
          if (letter === undefined) return { done: true, value: undefined }
          books.taken++
          return { done: false, value: letter }
        },
        return: (): IteratorResult<string> => {
          books.closed++
          return { done: true, value: undefined }
        },
      }
    },
  }
}

const law = (title: string, spec: (kit: MarbleKit, scenario: SourceScenario) => void): SourceLaw => ({
  title,
  run: scenario => marbles(kit => spec(kit, scenario)),
})

/** What `observe` sees within one turn, as an Observable of one text. */
const inOneTurn = (observe: () => string): Observable<string> => defer(() => of(observe()))

/** The laws, one reason to fail each. */
export const sourceLaws: readonly SourceLaw[] = [
  law('an iterable is opened when it is subscribed', ({ expectObservable }, { made }) => {
    const observe = (): string => {
      const letters = lettersOf('abc')
      const source$ = made(letters)
      const before = letters.books.opened
      source$.subscribe()
      return `${before} ${letters.books.opened}`
    }
    expectObservable(inOneTurn(observe)).toBe('(s|)', { s: '0 1' })
  }),
  law('an empty iterable completes', ({ expectObservable }, { made }) => {
    expectObservable(made(lettersOf('')), '--^').toBe('--|')
  }),
  law('an iterable comes in order', ({ expectObservable }, { made }) => {
    expectObservable(made(lettersOf('abc'))).toBe('(abc|)')
  }),
  law('an iterator that throws fails it', ({ expectObservable }, { made }) => {
    expectObservable(made(lettersOf('ab#'))).toBe('(ab#)', undefined, new Error('torn'))
  }),
  law('an iterable that cannot be opened fails it', ({ expectObservable }, { made }) => {
    const torn: Iterable<string> = {
      [Symbol.iterator]() {
        throw new Error('torn')
      },
    }
    expectObservable(made(torn)).toBe('#', undefined, new Error('torn'))
  }),
  law('an endless iterable is taken from as asked', ({ expectObservable }, { made }) => {
    const observe = (): string => {
      const letters = lettersOf('a'.repeat(1000))
      made(letters).pipe(take(3)).subscribe()
      return `${letters.books.taken} ${letters.books.closed}`
    }
    expectObservable(inOneTurn(observe)).toBe('(s|)', { s: '3 1' })
  }),
  law('no more is taken than its window', ({ expectObservable }, { made, window }) => {
    const observe = (): string => {
      const letters = lettersOf('a'.repeat(1000))
      made(letters)
        .pipe(tap(() => void hold()))
        .subscribe()
      return String(letters.books.taken)
    }
    expectObservable(inOneTurn(observe)).toBe('(s|)', { s: String(window) })
  }),
  law('one more is taken for each that is consumed', ({ expectObservable }, { made, window }) => {
    const observe = (): string => {
      const letters = lettersOf('a'.repeat(1000))
      const held: ReturnType<typeof hold>[] = []
      made(letters)
        .pipe(tap(() => void held.push(hold())))
        .subscribe()
      for (const release of held.splice(0, 1)) release?.()
      return String(letters.books.taken - window)
    }
    expectObservable(inOneTurn(observe)).toBe('(s|)', { s: '1' })
  }),
  law('unsubscribing closes the iterator, once, at once', ({ expectObservable }, { made }) => {
    const observe = (): string => {
      const letters = lettersOf('a'.repeat(1000))
      const held: ReturnType<typeof hold>[] = []
      const subscription = made(letters)
        .pipe(tap(() => void held.push(hold())))
        .subscribe()
      subscription.unsubscribe()
      const { taken } = letters.books
      for (const release of held) release?.()
      subscription.unsubscribe()
      return `${letters.books.closed} ${letters.books.taken - taken}`
    }
    expectObservable(inOneTurn(observe)).toBe('(s|)', { s: '1 0' })
  }),
  law('an iterator that has ended is not closed', ({ expectObservable }, { made }) => {
    const observe = (): string => {
      const [whole, torn] = [lettersOf('abc'), lettersOf('abc#')]
      made(whole).subscribe()
      made(torn).subscribe({ error: () => {} })
      return `${whole.books.closed} ${torn.books.closed}`
    }
    expectObservable(inOneTurn(observe)).toBe('(s|)', { s: '0 0' })
  }),
  law('each subscription opens an iterator', ({ expectObservable }, { made }) => {
    const source$ = made(lettersOf('abc'))
    const waiting = source$.pipe(
      tap(() => void hold()),
      ignoreElements(),
    )
    expectObservable(merge(waiting, source$, source$, NEVER), '^!').toBe('(abcabc)')
    expectObservable(concat(source$, source$)).toBe('(abcabc|)')
  }),
]

/** Runs the laws as specs of a source. */
export function testSourceLaws(name: string, scenario: SourceScenario): void {
  describe(name, () => {
    for (const each of sourceLaws) it(each.title, () => each.run(scenario))
  })
}
