import * as E from 'fp-ts/lib/Either.js'
import { RpcError } from 'millrace/core'
import { avoidRefused, blacklist, leastPending, marked, roundRobin, type Selector } from 'millrace/selector'
import { marbles } from 'millrace/testing'
import { map, merge, pipe, tap, ignoreElements, withLatestFrom } from 'rxjs'
import { describe, it } from 'vitest'
import { nodeOf } from '../../test/selector/snapshots.js'
import { outcomeOfText, snapshotOfText } from '../../test/selector/texts.js'

/** What is told by hand: of node a that it is well, refused, broken, told wrong; of another service; or a reset. */
const MARKS: { readonly [marble: string]: unknown } = {
  A: undefined,
  a: new RpcError('UNAVAILABLE', 'no connection', { reason: 'connect_failed' }),
  x: new Error('broken on purpose'),
  i: new RpcError('INVALID_ARGUMENT', 'no such word'),
}

interface Lanes {
  readonly snapshots: string
  /** Letters of `MARKS`; `o`: `x`, of another service; `R`: reset; `Q`: reset of another service. */
  readonly marks: string
  readonly outcomes?: string
  readonly picks: string
  readonly picked: string
}

function check(selector: Selector, { snapshots, marks, outcomes = '', picks, picked }: Lanes): void {
  marbles(({ hot, runtime, expectObservable, expectSubscriptions }) => {
    const window = `^${picked.replace(/./g, '-')}!`
    const snapshot$ = hot(snapshots, { s: 'a b c', u: 'a b' })
    const outcome$ = hot(outcomes, { A: 'a ok' })
    const { selector: told, mark, reset } = marked(selector)
    const marking$ = hot(marks).pipe(
      tap(letter => {
        if (letter === 'R' || letter === 'Q') reset(letter === 'R' ? 'words' : 'others')
        else mark(letter === 'o' ? 'others' : 'words', nodeOf('a'), MARKS[letter === 'o' ? 'x' : letter])
      }),
      ignoreElements(),
    )

    const next$ = snapshot$.pipe(map(snapshotOfText), told({ runtime, outcomes$: outcome$.pipe(map(outcomeOfText)) }))
    const picked$ = hot(picks).pipe(
      withLatestFrom(next$),
      map(([, next]) =>
        E.match(
          () => '#',
          ({ id }: { readonly id: string }) => id,
        )(next({})),
      ),
    )

    expectObservable(merge(picked$, marking$), window).toBe(picked)
    expectSubscriptions(snapshot$).toBe(window)
  })
}

const blacklisting: Selector = context => pipe(blacklist(context), roundRobin(context))

describe('marked', () => {
  it('takes marks for outcomes', () => {
    check(blacklisting, {
      snapshots: 's------------',
      marks: '    -(xxx)------',
      picks: '    -----p-p-p-p-',
      picked: '   -----c-b-c-b-',
    })
  })

  it('takes a mark without an error for success', () => {
    check(blacklisting, {
      snapshots: 's--------------',
      marks: '    -(xxx)--A------',
      picks: '    ------p---p-p-p',
      picked: '   ------c---b-c-a',
    })
  })

  it('tells the reason of an error', () => {
    check(context => pipe(avoidRefused(context), roundRobin(context)), {
      snapshots: 's--------',
      marks: '    -a-------',
      picks: '    --p-p-p--',
      picked: '   --c-b-c--',
    })
  })

  it('does not count what callers do wrong', () => {
    check(blacklisting, {
      snapshots: 's--------------',
      marks: '    -(iiii)--------',
      picks: '    -------p-p-p---',
      picked: '   -------a-b-c---',
    })
  })

  it('ignores marks of other services', () => {
    check(blacklisting, {
      snapshots: 's--------------',
      marks: '    -(oooo)--------',
      picks: '    -------p-p-p---',
      picked: '   -------a-b-c---',
    })
  })

  it('ends no running call with a mark', () => {
    check(leastPending, {
      snapshots: 'u--------------',
      marks: '    ---A-A-A-------',
      picks: '    -p------p-p-p--',
      picked: '   -b------a-b-a--',
    })
  })

  it('forgets everything at a reset', () => {
    check(blacklisting, {
      snapshots: 's--------------',
      marks: '    -(xxx)----R----',
      picks: '    ------p-p--p-p-',
      picked: '   ------c-b--c-a-',
    })
  })

  it('keeps what it knows at a reset of another', () => {
    check(blacklisting, {
      snapshots: 's--------------',
      marks: '    -(xxx)----Q----',
      picks: '    ------p-p--p-p-',
      picked: '   ------c-b--c-b-',
    })
  })
})
