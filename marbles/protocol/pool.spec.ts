import { json } from 'millrace/codec'
import { emptyHeader, messageOf, silentLog } from 'millrace/core'
import { pool, type Call, type PoolOptions } from 'millrace/protocol'
import { rsocket } from 'millrace/protocol/rsocket'
import { marbles } from 'millrace/testing'
import { memoryTransport } from 'millrace/transport'
import { defer, delay, finalize, mergeMap, Observable, of, type Subscriber } from 'rxjs'
import { describe, it } from 'vitest'

const call: Call = {
  route: { contract: 'marbles', version: '1.0.0', endpoint: 'call' },
  header: emptyHeader,
  deadline: undefined,
  key: undefined,
  kind: 'unary',
  body: null,
}

interface Lanes {
  /** Each letter is a call. */
  readonly calls: string
  /** o: a connection is opened. c: one is closed. */
  readonly connections: string
  /** How long a call takes, ms. */
  readonly takesMs: number
  readonly options: PoolOptions
}

function check({ calls, connections, takesMs, options }: Lanes): void {
  marbles(({ hot, runtime, expectObservable }) => {
    const protocol = rsocket(memoryTransport({ runtime }), {
      runtime,
      codec: json(),
      log: silentLog,
      closeTimeoutMs: 0,
    })
    const call$ = hot(calls)
    const events$ = new Observable((subscriber: Subscriber<string>) => {
      const answer = of(messageOf(null)).pipe(delay(takesMs))
      const listening = protocol.listen('memory:server', () => ({ call: () => answer })).subscribe()
      const connect = defer(() => {
        subscriber.next('o')
        return protocol.connect('memory:server').pipe(finalize(() => subscriber.next('c')))
      })
      const pooled = pool(connect, { runtime, ...options })
      listening.add(call$.pipe(mergeMap(() => pooled.call(call))).subscribe())
      listening.add(() => pooled.close())
      return listening
    })

    expectObservable(events$, `^${'-'.repeat(59)}!`).toBe(connections)
  })
}

describe('pool', () => {
  it('closes a connection that was idle twice in a row', () => {
    check({
      calls: '      --a-b------------',
      connections: '--o--------------c',
      takesMs: 1,
      options: { idleMs: 10 },
    })
  })

  it('keeps a connection while a call runs', () => {
    check({
      calls: '      --a',
      connections: '--o----------------------------------c',
      takesMs: 22,
      options: { idleMs: 10 },
    })
  })

  it('opens connections while all are busy, up to the most', () => {
    check({
      calls: '      --abcd',
      connections: '--oo',
      takesMs: 30,
      options: { idleMs: 1000, maxConnections: 2 },
    })
  })
})
