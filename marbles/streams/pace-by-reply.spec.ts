import {
  type Observable,
  concat,
  concatMap,
  delay,
  filter,
  identity,
  ignoreElements,
  map,
  mergeMap,
  of,
  startWith,
  take,
} from 'rxjs'
import { describe, expect, it } from 'vitest'
import { paceByReply, type Stalled } from 'millrace/streams'
import { marbles } from 'millrace/testing'
import { consumeSlowly } from '../../test/support/slow-consumer.js'

describe('paceByReply', () => {
  it('consumes a request when its reply is consumed', () => {
    marbles(({ deliveries, cold, expectObservable, expectSubscriptions, expectCredits, runtime }) => {
      const requests = deliveries(' abc|')
      const work = cold('           --x|')
      const behaviour = concatMap((letter: string) => work.pipe(map(() => letter)))
      const replies = paceByReply(behaviour, { name: 'words.tally', runtime })(requests)

      expectObservable(replies).toBe('--a--b--c|')
      expectSubscriptions(requests).toBe('^--!')
      expectCredits(requests).toBe('    --a--b--c')
    })
  })

  it('waits for the consumer of the reply', () => {
    marbles(({ deliveries, expectObservable, expectCredits, runtime }) => {
      const requests = deliveries(' ab|')
      const replies = paceByReply(delay<string>(1), { name: 'words.tally', runtime })(requests)

      expectObservable(replies.pipe(consumeSlowly(3))).toBe('-a(b|)')
      expectCredits(requests).toBe('----a--b')
    })
  })

  it('counts replies in whatever order they come', () => {
    marbles(({ deliveries, cold, expectObservable, expectCredits, runtime }) => {
      const requests = deliveries(' abc|')
      const work: Record<string, Observable<string>> = { a: cold('-------a|'), b: cold('-b|'), c: cold('---c|') }
      const behaviour = mergeMap((letter: string) => work[letter] ?? [])
      const replies = paceByReply(behaviour, { name: 'words.tally', runtime })(requests)

      expectObservable(replies).toBe('--b--c-a|')
      expectCredits(requests).toBe('  --a--b-c')
    })
  })

  it('lets go of nothing for surplus replies', () => {
    marbles(({ deliveries, expectObservable, expectCredits, runtime }) => {
      const requests = deliveries(' --a---b----|')
      const behaviour = (request$: Observable<string>): Observable<string> =>
        concat(of('x'), request$.pipe(mergeMap(letter => of(letter, letter).pipe(delay(1)))))
      const replies = paceByReply(behaviour, { name: 'words.tally', runtime })(requests)

      expectObservable(replies).toBe('x--(aa)(bb)|')
      expectCredits(requests).toBe('  ---a---b')
    })
  })

  it('lets go of unanswered requests when the replies end', () => {
    marbles(({ deliveries, expectObservable, expectSubscriptions, expectCredits, runtime }) => {
      const requests = deliveries(' abc-----|')
      const behaviour = (request$: Observable<string>): Observable<string> => request$.pipe(delay(4), take(1))
      const replies = paceByReply(behaviour, { name: 'words.tally', runtime })(requests)

      expectObservable(replies).toBe('----(a|)')
      expectSubscriptions(requests).toBe('^---!')
      expectCredits(requests).toBe('    ----(abc)')
    })
  })

  it('keeps requests whose reply is not consumed yet', () => {
    marbles(({ deliveries, expectObservable, expectCredits, runtime }) => {
      const requests = deliveries(' ab|')
      const replies = paceByReply(identity<Observable<string>>, { name: 'words.tally', runtime })(requests)

      expectObservable(replies.pipe(consumeSlowly(3))).toBe('ab|')
      expectCredits(requests).toBe('---a--b')
    })
  })

  it('naks requests without a reply when the behaviour fails', () => {
    marbles(({ deliveries, cold, expectObservable, expectSubscriptions, expectCredits, runtime }) => {
      const requests = deliveries(' abc|')
      const work = cold('           --x|')
      const failed = cold('         --#')
      const behaviour = concatMap((letter: string) => (letter === 'b' ? failed : work))
      const replies = paceByReply(behaviour, { name: 'words.tally', runtime })(requests)

      expectObservable(replies).toBe('--x--#')
      expectSubscriptions(requests).toBe('^--!')
      expectCredits(requests).toBe('    --a--(BC)')
    })
  })

  it('naks requests without a reply when unsubscribed', () => {
    marbles(({ deliveries, expectObservable, expectSubscriptions, expectCredits, runtime }) => {
      const requests = deliveries(' abc----|')
      const replies = paceByReply(delay<string>(2), { name: 'words.tally', runtime })(requests)

      expectObservable(replies, '   ^--!').toBe('--a')
      expectSubscriptions(requests).toBe('^--!')
      expectCredits(requests).toBe('    --a(BC)')
    })
  })

  it('fails when the behaviour throws', () => {
    marbles(({ deliveries, expectObservable, expectSubscriptions, expectCredits, runtime }) => {
      const requests = deliveries(' -a|')
      const behaviour = map((): string => {
        throw new Error('no')
      })
      const replies = paceByReply(behaviour, { name: 'words.tally', runtime })(requests)

      expectObservable(replies).toBe('-#', undefined, new Error('no'))
      expectSubscriptions(requests).toBe('^!')
      expectCredits(requests).toBe('    -A')
    })
  })

  it('does not hold requests that are pushed', () => {
    marbles(({ hot, expectObservable, expectSubscriptions, runtime }) => {
      const requests = hot(' ----a-b-|')
      const behaviour = (request$: Observable<string>): Observable<string> => request$.pipe(startWith('x'))
      const replies = paceByReply(behaviour, { name: 'words.tally', runtime })(requests)

      expectObservable(replies).toBe('x---a-b-|')
      expectSubscriptions(requests).toBe('^-------!')
    })
  })

  it('leaves no timer when replies are consumed after the end', () => {
    marbles(({ deliveries, expectObservable, expectCredits, runtime }) => {
      const requests = deliveries('ab 50ms |')
      const behaviour = (request$: Observable<string>): Observable<string> => request$.pipe(delay(20), take(2))
      const options = { name: 'words.tally', runtime, stalledAfterMs: 8, onStalled: () => {} }
      const replies = paceByReply(behaviour, options)(requests)

      expectObservable(replies.pipe(consumeSlowly(3))).toBe('20ms a(b|)')
      expectCredits(requests).toBe('                         23ms a--b')
    })
  })

  it('tells of requests that get no reply', () => {
    const stalls: Stalled[] = []

    marbles(({ deliveries, expectObservable, expectCredits, runtime }) => {
      const requests = deliveries(' abc 20ms |')
      const options = {
        name: 'words.tally',
        runtime,
        stalledAfterMs: 8,
        onStalled: (e: Stalled) => void stalls.push(e),
      }
      const replies = paceByReply(
        filter<string>(() => false),
        options,
      )(requests)

      expectObservable(replies.pipe(ignoreElements())).toBe('23ms |')
      expectCredits(requests).toBe('                         23ms (abc)')
    })

    expect(stalls).toEqual([{ where: 'words.tally', requests: 3, replies: 0, forMs: 8 }])
  })
})
