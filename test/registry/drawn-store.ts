import type { Runtime } from 'millrace/core'
import type { LeaseStore, StoreChanges, StoreListing } from 'millrace/registry'
import type { MarbleKit } from 'millrace/testing'
import { defer, NEVER, Subject, type Observable } from 'rxjs'

/** What a store answers, one marble diagram a call; the last one answers all calls that follow. */
export interface Answers {
  /** `k`: it is kept. @default always, at once */
  readonly hold?: readonly string[]
  /** `p`: it is put. @default always, at once */
  readonly put?: readonly string[]
  /** `t` or `f`. @default always `t`, at once */
  readonly claim?: readonly string[]
  /** `r`: it is released. @default always, at once */
  readonly release?: readonly string[]
  /** Letters of `listings`. @default nothing */
  readonly list?: readonly string[]
  /** Letters of `changes`. @default nothing */
  readonly changes?: readonly string[]
}

/** What the letters of {@link Answers} mean. */
export interface Meanings {
  /** What is listed. */
  readonly listings?: { readonly [letter: string]: StoreListing }
  /** What changes. */
  readonly changes?: { readonly [letter: string]: StoreChanges }
  /** What `#` fails with. */
  readonly error?: unknown
}

/** A store that answers as drawn, and tells what it was asked: `h`, `p`, `c`, `r`, `l` or `w`. */
export interface DrawnStore extends LeaseStore {
  /** The calls, hot. */
  readonly asked$: Subject<string>
}

/** A store as drawn. */
export function drawnStore({ cold }: MarbleKit, answers: Answers, meanings: Meanings = {}): DrawnStore {
  const asked$ = new Subject<string>()
  const inTurn = <T>(asked: string, marbles: readonly string[] = [], values: { readonly [letter: string]: T }) => {
    let calls = 0
    return (): Observable<T> =>
      defer(() => {
        asked$.next(asked)
        const answer = marbles[Math.min(calls++, marbles.length - 1)]
        return answer === undefined ? NEVER : cold(answer, values, meanings.error)
      })
  }
  const { hold = ['(k|)'], put = ['(p|)'], claim = ['(t|)'], release = ['(r|)'], list, changes } = answers
  return {
    name: 'drawn',
    open$: NEVER,
    asked$,
    hold: inTurn('h', hold, { k: undefined }),
    put: inTurn('p', put, { p: undefined }),
    claim: inTurn('c', claim, { t: true, f: false }),
    release: inTurn('r', release, { r: undefined }),
    list: inTurn('l', list, meanings.listings ?? {}),
    changes: inTurn('w', changes, meanings.changes ?? {}),
  }
}

/** A runtime that draws nothing, so that what is drawn at random comes when it comes at the latest. */
export function latest(runtime: Runtime): Runtime {
  return { ...runtime, random: () => 0 }
}
