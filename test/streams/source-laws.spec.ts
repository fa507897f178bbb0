import { paced } from 'millrace/streams'
import { catchError, concat, EMPTY, finalize, from, NEVER, skip } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { sourceLaws, type SourceScenario } from '../support/source-laws.js'

const swallowing: SourceScenario['made'] = letters => paced(letters).pipe(catchError(() => EMPTY))

const collecting: SourceScenario['made'] = letters => paced([...letters])
const pushing: SourceScenario['made'] = letters => from(letters)

/** For each law, a source that breaks it. */
const broken: { readonly [title: string]: SourceScenario['made'] } = {
  'an iterable is opened when it is subscribed': letters => {
    const one = letters[Symbol.iterator]()
    return paced({ [Symbol.iterator]: () => one })
  },
  'an empty iterable completes': letters => concat(paced(letters), NEVER),
  'an iterable comes in order': letters => paced(letters).pipe(skip(1)),
  'an iterator that throws fails it': swallowing,
  'an iterable that cannot be opened fails it': swallowing,
  'an endless iterable is taken from as asked': collecting,
  'no more is taken than its window': pushing,
  'one more is taken for each that is consumed': pushing,
  'unsubscribing closes the iterator, once, at once': pushing,
  'an iterator that has ended is not closed': letters =>
    paced(letters).pipe(finalize(() => void letters[Symbol.iterator]().return?.())),
  'each subscription opens an iterator': letters => {
    const one = letters[Symbol.iterator]()
    return paced({ [Symbol.iterator]: () => one })
  },
}

describe('sourceLaws', () => {
  it.each(sourceLaws.map(law => [law.title, law] as const))('notices who breaks “%s”', (title, law) => {
    const made = broken[title]

    expect(made).toBeDefined()
    expect(() => made && law.run({ made, window: 1 })).toThrow()
  })
})
