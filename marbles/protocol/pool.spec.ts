import { json } from 'millrace/codec'
import { messageOf, silentLog, type RpcError } from 'millrace/core'
import { pool, type PoolOptions } from 'millrace/protocol'
import { rsocket } from 'millrace/protocol/rsocket'
import { marbles } from 'millrace/testing'
import { memoryTransport } from 'millrace/transport'
import {
  catchError,
  defer,
  delay,
  EMPTY,
  finalize,
  map,
  mergeMap,
  Observable,
  of,
  Subject,
  switchMap,
  timer,
  type Subscriber,
} from 'rxjs'
import { describe, it } from 'vitest'
import { unaryCall } from '../../test/support/unary-call.js'

interface Lanes {
  /** Lower case: a call. `X`: the pool is closed. */
  readonly calls: string
  /** o: a connection is opened. c: one is closed. */
  readonly connections: string
  /** r: a call is answered. u: it fails with UNAVAILABLE. */
  readonly ended: string
  /** How long a call takes, ms. */
  readonly takesMs: number
  /** How long connecting takes, ms. @default 0 */
  readonly connectMs?: number
  /** Addresses, one a connection after the other. @default the server's, always */
  readonly addresses?: readonly string[]
  readonly options: PoolOptions
}

function check({ calls, connections, ended, takesMs, connectMs = 0, addresses = [], options }: Lanes): void {
  marbles(({ hot, runtime, expectObservable }) => {
    const calm = { ...runtime, random: () => 0.5 } // no jitter
    const protocol = rsocket(memoryTransport({ runtime }), {
      runtime,
      codec: json(),
      log: silentLog,
      closeTimeoutMs: 0,
    })
    const ended$ = new Subject<string>()
    const call$ = hot(calls)
    const connection$ = new Observable((subscriber: Subscriber<string>) => {
      const answer = of(messageOf(null)).pipe(delay(takesMs))
      const listening = protocol.listen('memory:server', () => ({ call: () => answer })).subscribe()
      let connects = 0
      const connect = defer(() => {
        subscriber.next('o')
        const address = addresses[connects++] ?? 'memory:server'
        return timer(connectMs, runtime.scheduler).pipe(
          switchMap(() => protocol.connect(address)),
          finalize(() => subscriber.next('c')),
        )
      })
      const pooled = pool(connect, { ...options, runtime: calm })
      const answered = pooled.call(unaryCall()).pipe(
        map(() => 'r'),
        catchError((error: RpcError) => of(error.code === 'UNAVAILABLE' ? 'u' : '?')),
      )
      const calling = mergeMap((letter: string) => {
        if (letter !== 'X') return answered
        pooled.close()
        return EMPTY
      })
      listening.add(call$.pipe(calling).subscribe(letter => ended$.next(letter)))
      listening.add(() => pooled.close())
      return listening
    })

    expectObservable(connection$, '^ 60ms !').toBe(connections)
    expectObservable(ended$, '^ 60ms !').toBe(ended)
  })
}

describe('pool', () => {
  it('closes a connection that was idle twice in a row', () => {
    check({
      calls: '      --a-b------------',
      connections: '--o--------------c',
      ended: '      ---r-r',
      takesMs: 1,
      options: { idleMs: 10 },
    })
  })

  it('keeps a connection while a call runs', () => {
    check({
      calls: '      --a',
      connections: '--o----------------------------------c',
      ended: '      ------------------------r',
      takesMs: 22,
      options: { idleMs: 10 },
    })
  })

  it('opens connections while all are busy, up to the most', () => {
    check({
      calls: '      --abcd',
      connections: '--oo',
      ended: '      --------------------------------rrrr',
      takesMs: 30,
      options: { idleMs: 1000, maxConnections: 2 },
    })
  })

  it('keeps calls until it has connected', () => {
    check({
      calls: '      --abc',
      connections: '--o',
      ended: '      --------(rrr)',
      takesMs: 1,
      connectMs: 5,
      options: { idleMs: 1000 },
    })
  })

  it('fails calls that wait when connecting fails', () => {
    check({
      calls: '      --ab----c',
      connections: '--o----co',
      ended: '      -------(uu)---r',
      takesMs: 1,
      connectMs: 5,
      addresses: ['memory:nobody'],
      options: { idleMs: 1000 },
    })
  })

  it('replaces a connection that is old', () => {
    check({
      calls: '      --a-------b------------c',
      connections: '--o---------c----------o---------c',
      ended: '      ---r-------r------------r',
      takesMs: 1,
      options: { idleMs: 1000, maxAgeMs: 10 },
    })
  })

  it('lets running calls end when it is closed', () => {
    check({
      calls: '      --a--X--b',
      connections: '--o---------c',
      ended: '      --------u---r',
      takesMs: 10,
      options: { idleMs: 1000 },
    })
  })
})
