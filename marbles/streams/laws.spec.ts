import {
  EMPTY,
  NEVER,
  Observable,
  catchError,
  concat,
  delay,
  filter,
  identity,
  mergeAll,
  of,
  share,
  skip,
  tap,
  toArray,
} from 'rxjs'
import { describe, expect, it } from 'vitest'
import { hold, outside, overflow, paceByReply, paced, pacedMap, pump } from 'millrace/streams'
import { operatorLaws, type Passing } from '../../test/support/operator-laws.js'

const operators: Record<string, Passing> = {
  'pacedMap of one value': ({ runtime }) => pacedMap(letter => of(letter), { runtime }),
  'pacedMap of paced': ({ runtime }) => pacedMap(letter => paced([letter]), { runtime }),
  'pacedMap, one at a time': ({ runtime }) => pacedMap(letter => [letter], { concurrency: 1, runtime }),
  'overflow error': () => overflow('error', 8),
  'overflow latest': () => overflow('latest', 1),
  paceByReply: ({ runtime }) => paceByReply(identity<Observable<string>>, { name: 'reply', runtime }),
  'pump on unbounded credit':
    ({ runtime }) =>
    source =>
      new Observable(subscriber => {
        const sink = {
          ready: true,
          blocked() {},
          encode: identity<string>,
          send: (letter: string) => {
            subscriber.next(letter)
            return true
          },
          complete: () => subscriber.complete(),
          fail: (error: unknown) => subscriber.error(error),
        }
        const pumped = pump(source, sink, { name: 'pump', credit: Infinity, runtime })
        subscriber.add(() => pumped.cancel())
        pumped.start()
      }),
}

describe.each(Object.entries(operators))('%s', (_, passing) => {
  it.each(operatorLaws.map(law => [law.title, law] as const))('%s', (_title, law) => {
    law.run(passing)
  })
})

describe('operatorLaws', () => {
  const broken: readonly (readonly [what: string, fails: string, Passing])[] = [
    ['comes late', 'one and many pass in order', () => delay(1)],
    ['loses the first item', 'one and many pass in order', () => skip(1)],
    ['swallows errors', 'an error passes', () => catchError(() => EMPTY)],
    ['shares its subscription', 'subscriptions share nothing', () => share()],
    ['collects first', 'a synchronous source is stopped', () => source => source.pipe(toArray(), mergeAll())],
    ['forgets a release', 'a synchronous consumer consumes at once', () => tap(() => void hold())],
    ['never completes', 'empty completes', () => source => concat(source, NEVER)],
    [
      'consumes on arrival',
      'what a consumer holds is not consumed',
      () => source =>
        new Observable(subscriber =>
          source.subscribe({
            next: letter => outside(() => subscriber.next(letter)),
            error: error => subscriber.error(error),
            complete: () => subscriber.complete(),
          }),
        ),
    ],
    [
      'does not unsubscribe',
      'unsubscribing reaches the source in the same frame',
      () => source =>
        new Observable(subscriber => {
          source.subscribe({
            next: letter => subscriber.next(letter),
            error: error => subscriber.error(error),
            complete: () => subscriber.complete(),
          })
        }),
    ],
    [
      'is not re-entrant',
      'a re-entrant source loses nothing',
      () => source => {
        let inside = false
        return source.pipe(
          filter(() => !inside),
          tap(() => (inside = true)),
        )
      },
    ],
  ]

  it.each(broken)('an operator that %s fails “%s”', (_, title, passing) => {
    const law = operatorLaws.find(candidate => candidate.title === title)

    expect(() => law?.run(passing)).toThrow()
    expect(law).toBeDefined()
  })
})
