import { messageOf, RpcError, type Message } from 'millrace/core'
import { pool, type Connection, type Pool, type PoolOptions, type Protocol } from 'millrace/protocol'
import { rsocket } from 'millrace/protocol/rsocket'
import { json } from 'millrace/codec'
import { defer, finalize, map, NEVER, type Observable, of, Subject, throwError, timer } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { record } from '../support/recording.js'
import { thrownBy } from '../support/thrown-by.js'
import { answering, bodiesOf, single, VirtualWire, type Served } from '../support/virtual-wire.js'

/** A pool of connections to an engine, and how many of them were opened and are open. */
class Pooled {
  readonly wire: VirtualWire
  readonly pool: Pool
  readonly served: Served
  opened: number
  open: number

  constructor(options: PoolOptions = {}, latencyMs = 0) {
    this.wire = new VirtualWire({ closeTimeoutMs: 10 }, { latencyMs })
    this.opened = 0
    this.open = 0
    this.served = this.wire.serve(handlers(this.wire))
    const protocol: Protocol = rsocket(this.wire.transport, { runtime: this.wire.runtime, codec: json() })
    const connect = defer((): Observable<Connection> => {
      this.opened++
      this.open++
      return protocol.connect('memory:server').pipe(finalize(() => this.open--))
    })
    this.pool = pool(connect, { runtime: this.wire.runtime, ...options })
  }

  call(endpoint: string, body: unknown = 0): ReturnType<typeof record<Message>> {
    return record(this.pool.call(single('unary', endpoint, body)))
  }
}

const work$ = new Subject<Message>()

function handlers(wire: VirtualWire): ReturnType<typeof answering> {
  return answering({
    echo: ({ body }: { body: unknown }) => of(messageOf(body)),
    slow: ({ body }: { body: number }) => timer(body, wire.runtime.scheduler).pipe(map(() => messageOf(body))),
    never: () => NEVER,
    work: () => work$,
  })
}

describe('pool', () => {
  it('connects for the first call, not before', () => {
    const pooled = new Pooled()
    const before = pooled.opened

    const reply = pooled.call('echo', 'a')
    pooled.wire.advance(0)

    expect([before, pooled.opened, bodiesOf(reply)]).toEqual([0, 1, ['a']])
  })

  it('makes no call that is not subscribed', () => {
    const pooled = new Pooled()

    pooled.pool.call(single('unary', 'echo'))
    pooled.wire.advance(0)

    expect(pooled.opened).toBe(0)
  })

  it('lets calls wait for the connection', () => {
    const pooled = new Pooled({}, 5)

    const replies = ['a', 'b', 'c'].map(body => pooled.call('echo', body))
    pooled.wire.advance(100)

    expect(replies.flatMap(bodiesOf)).toEqual(['a', 'b', 'c'])
    expect(pooled.opened).toBe(1)
  })

  it('sends no call that was cancelled while it waited', () => {
    const pooled = new Pooled({}, 5)
    const cancelled = pooled.call('work')
    const kept = pooled.call('echo', 'a')

    cancelled.subscription.unsubscribe()
    pooled.wire.advance(12)
    const observed = work$.observed
    pooled.wire.advance(100)

    expect([observed, bodiesOf(kept)]).toEqual([false, ['a']])
  })

  it('sends no call that another cancels when it starts', () => {
    const pooled = new Pooled({}, 5)
    pooled.call('nothing').subscription.add(() => second.subscription.unsubscribe())
    const failing = record(pooled.pool.call(single('unary', 'echo', Symbol('not encodable'))))
    failing.subscription.add(() => second.subscription.unsubscribe())
    const second = pooled.call('work')

    pooled.wire.advance(16)

    expect(failing.error).toMatchObject({ reason: 'not_encodable' })
    expect(pooled.wire.accepted[0]).toHaveProperty('running', 0)
    expect(work$.observed).toBe(false)
  })

  it('fails waiting calls when it cannot connect, safe to retry', () => {
    const pooled = new Pooled()
    pooled.served.listening.unsubscribe()

    const replies = [pooled.call('echo'), pooled.call('echo')]
    pooled.wire.advance(0)

    for (const { error } of replies) {
      expect(error).toMatchObject({ code: 'UNAVAILABLE', reason: 'connect_failed', retry: { safe: true } })
    }
  })

  it('connects again after it could not', () => {
    const pooled = new Pooled()
    pooled.served.listening.unsubscribe()
    pooled.call('echo')
    pooled.wire.advance(0)

    pooled.wire.serve(handlers(pooled.wire))
    const reply = pooled.call('echo', 'a')
    pooled.wire.advance(0)

    expect([pooled.opened, bodiesOf(reply)]).toEqual([2, ['a']])
  })

  it('fails at once when connecting fails at once', () => {
    const broken = pool(throwError(() => new TypeError('no')))

    const reply = record(broken.call(single('unary', 'echo')))

    expect(reply.error).toMatchObject({ code: 'UNAVAILABLE', cause: new TypeError('no') })
  })

  it('fails when connecting ends without a connection', () => {
    const broken = pool(of<Connection>())

    const reply = record(broken.call(single('unary', 'echo')))

    expect(reply.error).toMatchObject({ reason: 'connection_closed', retry: { safe: true } })
  })

  it('replaces a connection that was lost', () => {
    const pooled = new Pooled()
    const running = pooled.call('never')
    pooled.wire.advance(0)
    pooled.served.listening.unsubscribe()
    pooled.wire.advance(0)
    pooled.wire.serve(handlers(pooled.wire))

    const reply = pooled.call('echo', 'a')
    pooled.wire.advance(0)

    expect(running.error).toMatchObject({ code: 'UNAVAILABLE', retry: { safe: false } })
    expect([pooled.opened, pooled.open, bodiesOf(reply)]).toEqual([2, 1, ['a']])
  })

  it('replaces a connection that drains', () => {
    const pooled = new Pooled()
    const running = pooled.call('work')
    pooled.wire.advance(0)
    const drained = record(pooled.served.binding.drain())
    pooled.wire.advance(0)
    pooled.wire.serve(handlers(pooled.wire))
    const reply = pooled.call('echo', 'a')
    pooled.wire.advance(0)
    const before = [pooled.open, drained.completed]

    work$.next(messageOf('b'))
    pooled.wire.advance(20)

    expect([bodiesOf(running), bodiesOf(reply)]).toEqual([['b'], ['a']])
    expect([before, pooled.open, drained.completed]).toEqual([[2, false], 1, true])
  })

  it('gives calls to the connection with the fewest', () => {
    const pooled = new Pooled({ maxConnections: 3 })
    for (let index = 0; index < 7; index++) {
      pooled.call('never')
      pooled.wire.advance(0)
    }

    const running = pooled.wire.accepted.map(each => (each as unknown as { running: number }).running)

    expect(running).toEqual([3, 2, 2])
  })

  it('opens no second connection while one is idle', () => {
    const pooled = new Pooled({ maxConnections: 3 })

    for (let index = 0; index < 5; index++) {
      pooled.call('echo')
      pooled.wire.advance(0)
    }

    expect(pooled.opened).toBe(1)
  })

  it('closes an idle connection between idleMs and half more', () => {
    const pooled = new Pooled({ idleMs: 1000 })
    pooled.call('echo')
    pooled.wire.advance(999)
    const before = pooled.open

    pooled.wire.advance(501)

    expect([before, pooled.open]).toEqual([1, 0])
  })

  it('keeps a connection that is in use', () => {
    const pooled = new Pooled({ idleMs: 1000 })
    pooled.call('never')

    for (let index = 0; index < 20; index++) pooled.wire.advance(500)

    expect([pooled.open, pooled.opened]).toEqual([1, 1])
  })

  it('keeps a connection that is used again in time', () => {
    const pooled = new Pooled({ idleMs: 1000 })

    for (let index = 0; index < 20; index++) {
      pooled.call('echo')
      pooled.wire.advance(900)
    }

    expect([pooled.open, pooled.opened]).toEqual([1, 1])
  })

  it('replaces a connection of its age, calls go on', () => {
    const pooled = new Pooled({ maxAgeMs: 1000 })
    const running = pooled.call('slow', 1500)
    pooled.wire.advance(899)
    pooled.call('echo')
    pooled.wire.advance(0)
    const young = pooled.opened
    pooled.wire.advance(202)

    const reply = pooled.call('echo', 'a')
    pooled.wire.advance(0)
    const both = pooled.open
    pooled.wire.advance(1000)

    expect([young, both, pooled.opened]).toEqual([1, 2, 2])
    expect([bodiesOf(running), bodiesOf(reply)]).toEqual([[1500], ['a']])
  })

  it('lets a connection get old', () => {
    const pooled = new Pooled({ maxAgeMs: 40 * 86_400_000, idleMs: 2_147_483_647 })
    pooled.call('never')

    pooled.wire.advance(86_400_000)

    expect([pooled.open, pooled.opened]).toEqual([1, 1])
  })

  it('refuses calls after close and lets running ones end', () => {
    const pooled = new Pooled()
    const running = pooled.call('slow', 100)
    pooled.wire.advance(0)

    pooled.pool.close()
    pooled.pool.close()
    const refused = pooled.call('echo')
    const before = pooled.open
    pooled.wire.advance(200)

    expect(refused.error).toMatchObject({ reason: 'pool_closed', retry: { safe: true } })
    expect([before, pooled.open, bodiesOf(running)]).toEqual([1, 0, [100]])
  })

  it('lets waiting calls end after close', () => {
    const pooled = new Pooled({}, 5)
    const waiting = pooled.call('echo', 'a')

    pooled.pool.close()
    pooled.wire.advance(100)

    expect([bodiesOf(waiting), pooled.open]).toEqual([['a'], 0])
  })

  it('stops connecting when nobody waits after close', () => {
    const pooled = new Pooled({}, 5)
    const waiting = pooled.call('echo', 'a')
    pooled.pool.close()

    waiting.subscription.unsubscribe()

    expect(pooled.open).toBe(0)
  })

  it('sends a tell before it closes', () => {
    const pooled = new Pooled()
    pooled.pool.call(single('tell', 'work')).subscribe({ complete: () => pooled.pool.close() })

    pooled.wire.advance(0)

    expect([work$.observed, pooled.open]).toEqual([true, 0])
    work$.error(new RpcError('ABORTED', 'the end'))
  })

  it('leaves no timer behind', () => {
    const pooled = new Pooled({ idleMs: 1000, maxAgeMs: 5000 })
    pooled.call('echo')
    pooled.wire.advance(0)

    pooled.pool.close()
    pooled.served.listening.unsubscribe()
    pooled.wire.advance(2000)

    expect(pooled.wire.pending).toBe(0)
  })

  it('refuses options out of range', () => {
    const options = { maxConnections: 0, idleMs: 2 ** 31, maxAgeMs: 0 }

    const { details } = thrownBy(() => pool(NEVER, options))

    expect(details).toHaveLength(3)
  })
})
