import { debounceRemovals, type Snapshot } from 'millrace/registry'
import { marbles } from 'millrace/testing'
import { map, Observable, take, toArray } from 'rxjs'
import { describe, it } from 'vitest'
import { idsOf, serviceOf, snapshotOf } from '../../test/selector/snapshots.js'

/** Snapshots by marble: `a` and `b` one node, `t` both, `e` none, `s` none and stale. */
const SNAPSHOTS: { readonly [marble: string]: Snapshot } = {
  a: snapshotOf(serviceOf('1.0.0', ['a'])),
  b: snapshotOf(serviceOf('1.0.0', ['b'])),
  t: snapshotOf(serviceOf('1.0.0', ['a', 'b'])),
  e: snapshotOf(),
  s: { ...snapshotOf(), stale: true },
}

const seen = (snapshot$: Observable<Snapshot>): Observable<string> =>
  snapshot$.pipe(map(snapshot => `${idsOf(snapshot).join('')}${snapshot.stale ? '!' : ''}`))

const SEEN = { a: 'a', b: 'b', t: 'ab', e: '', A: 'a!' }

describe('debounceRemovals', () => {
  it('shows additions at once and removals later', () => {
    marbles(({ hot, runtime, expectObservable, expectSubscriptions }) => {
      const snapshot$ = hot('e-a--t---b---------|', SNAPSHOTS)
      const subs = '         ^------------------!'
      const expected = '     e-a--t------b------|'

      expectObservable(seen(snapshot$.pipe(debounceRemovals({ removalMs: 3, runtime })))).toBe(expected, SEEN)
      expectSubscriptions(snapshot$).toBe(subs)
    })
  })

  it('forgets a removal when the node is back in time', () => {
    marbles(({ hot, runtime, expectObservable }) => {
      const snapshot$ = hot('t--a-t-----', SNAPSHOTS)
      const expected = '     t----------'

      expectObservable(seen(snapshot$.pipe(debounceRemovals({ removalMs: 3, runtime })))).toBe(expected, SEEN)
    })
  })

  it('counts from the first snapshot without the node', () => {
    marbles(({ hot, runtime, expectObservable }) => {
      const snapshot$ = hot('a-e-b------', SNAPSHOTS)
      const expected = '     a---tb-----'

      expectObservable(seen(snapshot$.pipe(debounceRemovals({ removalMs: 3, runtime })))).toBe(expected, SEEN)
    })
  })

  it('says at once that the picture is stale', () => {
    marbles(({ hot, runtime, expectObservable }) => {
      const snapshot$ = hot('a-s--------', SNAPSHOTS)
      const expected = '     a-A--E-----'

      expectObservable(seen(snapshot$.pipe(debounceRemovals({ removalMs: 3, runtime })))).toBe(expected, {
        ...SEEN,
        E: '!',
      })
    })
  })

  it('removes at once without a delay', () => {
    marbles(({ hot, runtime, expectObservable }) => {
      const snapshot$ = hot('a-e-', SNAPSHOTS)
      const expected = '     a-e-'

      expectObservable(seen(snapshot$.pipe(debounceRemovals({ removalMs: 0, runtime })))).toBe(expected, SEEN)
    })
  })

  it('leaves no timer when unsubscribed', () => {
    marbles(({ hot, runtime, expectObservable, expectSubscriptions }) => {
      const snapshot$ = hot('    a-e---', SNAPSHOTS)
      const unsubscribed = '     ^--!  '
      const expected = '         a-----'
      const kept$ = seen(snapshot$.pipe(debounceRemovals({ removalMs: 3, runtime })))

      expectObservable(kept$, unsubscribed).toBe(expected, SEEN)
      expectSubscriptions(snapshot$).toBe(unsubscribed)
    })
  })

  it('stops a synchronous source when unsubscribed', () => {
    marbles(({ runtime, expectObservable }) => {
      let emitted = 0
      const snapshot$ = new Observable<Snapshot>(subscriber => {
        while (!subscriber.closed && emitted < 100) {
          emitted++
          subscriber.next(snapshotOf(serviceOf('1.0.0', [`n${emitted}`])))
        }
      })
      const first$ = snapshot$.pipe(debounceRemovals({ removalMs: 3, runtime }), take(2), toArray())

      expectObservable(first$.pipe(map(() => emitted))).toBe('(n|)', { n: 2 })
    })
  })
})
