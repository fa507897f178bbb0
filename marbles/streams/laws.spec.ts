import { identity, map, mergeMap, Observable, of, tap, type MonoTypeOperatorFunction } from 'rxjs'
import { overflow, paceByReply, paced, pacedMap, pump } from 'millrace/streams'
import type { MarbleKit } from 'millrace/testing'
import { testOperatorLaws } from '../../test/support/operator-laws.js'
import { testSourceLaws } from '../../test/support/source-laws.js'

/** A pump whose receiver has asked for as many as there are. */
function pumped({ runtime }: MarbleKit, encode: (letter: string) => string): MonoTypeOperatorFunction<string> {
  return source =>
    new Observable(subscriber => {
      const sink = {
        ready: true,
        blocked() {},
        encode,
        send: (letter: string) => {
          subscriber.next(letter)
          return true
        },
        complete: () => subscriber.complete(),
        fail: (error: unknown) => subscriber.error(error),
      }
      const running = pump(source, sink, { name: 'pump', credit: Infinity, runtime })
      subscriber.add(() => running.cancel())
      running.start()
    })
}

testOperatorLaws('pacedMap of one value', {
  passing: ({ runtime }) => pacedMap(letter => of(letter), { runtime }),
  calling: ({ runtime }, callback) => pacedMap(letter => of(letter).pipe(tap(callback)), { runtime }),
  naks: true,
})
testOperatorLaws('pacedMap of paced', {
  passing: ({ runtime }) => pacedMap(letter => paced([letter]), { runtime }),
  calling: ({ runtime }, callback) => pacedMap(letter => paced([letter]).pipe(tap(callback)), { runtime }),
  naks: true,
})
testOperatorLaws('pacedMap, one at a time', {
  passing: ({ runtime }) => pacedMap(letter => [letter], { concurrency: 1, runtime }),
  calling: ({ runtime }, callback) =>
    pacedMap(
      letter => {
        callback(letter)
        return [letter]
      },
      { concurrency: 1, runtime },
    ),
  naks: true,
})
testOperatorLaws('overflow error', { passing: () => overflow('error', 8) })
testOperatorLaws('overflow dropOldest', { passing: () => overflow('dropOldest', 8) })
testOperatorLaws('overflow dropNewest', { passing: () => overflow('dropNewest', 8) })
testOperatorLaws('overflow latest', { passing: () => overflow('latest', 1) })
testOperatorLaws('paceByReply', {
  passing: ({ runtime }) => paceByReply(identity<Observable<string>>, { name: 'reply', runtime }),
  calling: ({ runtime }, callback) => paceByReply(tap(callback), { name: 'reply', runtime }),
  naks: true,
})
testOperatorLaws('paceByReply of mergeMap', {
  passing: ({ runtime }) =>
    paceByReply(
      mergeMap((letter: string) => of(letter)),
      { name: 'reply', runtime },
    ),
  calling: ({ runtime }, callback) =>
    paceByReply(
      mergeMap((letter: string) => of(letter).pipe(map(each => (callback(each), each)))),
      {
        name: 'reply',
        runtime,
      },
    ),
  naks: true,
})
testOperatorLaws('pump on unbounded credit', {
  passing: kit => pumped(kit, identity),
  calling: (kit, callback) =>
    pumped(kit, letter => {
      callback(letter)
      return letter
    }),
  naks: true,
})

testSourceLaws('paced', { made: letters => paced(letters), window: 1 })
testSourceLaws('paced, three at a time', { made: letters => paced(letters, { window: 3 }), window: 3 })
