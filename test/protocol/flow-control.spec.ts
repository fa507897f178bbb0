import { messageOf, type Message, type Runtime } from 'millrace/core'
import { overflow, paced, pacedMap, type OverflowPolicy } from 'millrace/streams'
import { filter, identity, map, Observable, Subject, type OperatorFunction } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { record, type Recording } from '../support/recording.js'
import { simulate } from '../support/simulate.js'
import { consumeSlowly } from '../support/slow-consumer.js'
import { answering, bodiesOf, single, VirtualWire } from '../support/virtual-wire.js'
import { wireHop } from '../support/wire-hop.js'

const MOST = 0x7fff_ffff
const body = 'x'.repeat(90)

/** Items without end, and how many were taken. */
class Endless {
  taken = 0

  readonly paced = (): Observable<Message> => paced(this.items());

  private *items(): Generator<Message> {
    for (;;) {
      this.taken++
      yield messageOf(body)
    }
  }
}

describe('a connection that is saturated', () => {
  it('answers KEEPALIVE within a round trip', () => {
    const wire = new VirtualWire({}, { highWaterMarkBytes: 2000, latencyMs: 5 })
    wire.serve(answering({ endless: new Endless().paced }))
    const peer = wire.rawClient()
    for (const id of [1, 3, 5]) peer.request('REQUEST_STREAM', id, 'endless', { n: MOST })
    wire.advance(1000)
    const flowing = peer.lines().length

    for (let beat = 0; beat < 5; beat++) {
      peer.send({ type: 'KEEPALIVE', flags: 'R', data: '12345678' })
      wire.advance(10)
    }

    const answers = peer.lines().filter(line => line.startsWith('KEEPALIVE'))
    expect(flowing).toBeGreaterThan(1000)
    expect(answers).toHaveLength(5)
  })

  it('lets streams progress alike, however many items they hold', () => {
    const wire = new VirtualWire({}, { highWaterMarkBytes: 1000, latencyMs: 1 })
    const [one, other] = [new Endless(), new Endless()]
    wire.serve(answering({ one: one.paced, other: other.paced }))
    const peer = wire.rawClient()
    peer.request('REQUEST_STREAM', 1, 'one', { n: MOST })
    peer.request('REQUEST_STREAM', 3, 'other', { n: 1_000_000 })
    wire.advance(1000)

    const ids = peer.received.map(bytes => bytes[3])
    const shares = [1, 3].map(id => ids.filter(each => each === id).length)

    expect(Math.min(...shares)).toBeGreaterThan(1000)
    expect(Math.max(...shares) / Math.min(...shares)).toBeLessThan(1.1)
  })

  it('stops sources that can wait while nobody reads', () => {
    const wire = new VirtualWire({}, { highWaterMarkBytes: 10_000 })
    const endless = new Endless()
    wire.serve(answering({ endless: endless.paced }))
    const peer = wire.unread()

    for (let id = 1; id < 20; id += 2) peer.request('REQUEST_STREAM', id, 'endless', { n: MOST })
    wire.advance(10_000)

    expect(endless.taken * body.length).toBeLessThanOrEqual(10_000 + 10 * body.length)
  })

  it('goes on with every source when the peer reads again', () => {
    const wire = new VirtualWire({}, { highWaterMarkBytes: 10_000 })
    wire.serve(answering({ endless: new Endless().paced }))
    const peer = wire.unread()
    for (const id of [1, 3]) peer.request('REQUEST_STREAM', id, 'endless', { n: 5000 })
    wire.advance(10)

    peer.read()
    wire.advance(1000)

    expect(peer.received).toHaveLength(10_000)
  })
})

describe('a source that cannot wait', () => {
  /** Pushes 100 items at once to a consumer that takes 1 ms for each; 4 may be on their way. */
  const pushed = (operator: OperatorFunction<number, number>, items = 100): Recording<Message> => {
    const wire = new VirtualWire({ window: 4 })
    const source$ = new Subject<number>()
    wire.serve(answering({ pushed: () => source$.pipe(operator, map(messageOf)) }))
    const { connection } = wire.connect()
    const slowly = pacedMap((item: Message) => later(wire.runtime, item), { concurrency: 1, runtime: wire.runtime })
    const replies = record(connection.call(single('serverStream', 'pushed')).pipe(slowly))
    wire.advance(0)

    for (let n = 0; n < items; n++) source$.next(n)
    source$.complete()
    wire.advance(10_000)
    return replies
  }

  it.each<[OverflowPolicy, items: number[]]>([
    ['dropOldest', [0, 1, 2, 3, 98, 99]],
    ['dropNewest', [0, 1, 2, 3, 4, 5]],
    ['latest', [0, 1, 2, 3, 99]],
  ])('loses what %s says', (policy, items) => {
    const replies = pushed(overflow(policy, 2))

    expect(replies).toMatchObject({ error: undefined, completed: true })
    expect(bodiesOf(replies)).toEqual(items)
  })

  it('fails where the policy is error', () => {
    const replies = pushed(overflow('error', 2))

    expect(replies.error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'overflow' })
  })

  it('loses nothing where all that wait are fewer than 1024', () => {
    const replies = pushed(identity, 1028)

    expect(replies).toMatchObject({ error: undefined, completed: true })
    expect(replies.values).toHaveLength(1028)
  })

  it('fails where 1024 wait', () => {
    const replies = pushed(identity, 1029)

    expect(replies.error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'overflow' })
  })
})

describe('a gateway', () => {
  const WINDOW = 16

  it.each<[string, (runtime: Runtime) => OperatorFunction<number, number>, itemsOfOne?: number]>([
    ['nothing', () => identity],
    ['map', () => map(n => -n)],
    ['filter', () => filter(n => n % 2 === 1), 2],
    ['pacedMap', runtime => pacedMap(n => later(runtime, n), { runtime })],
  ])('keeps the bound of both hops with %s between', (_, setup, itemsOfOne = 1) => {
    let [done, ahead] = [0, 0]

    const books = simulate(runtime => {
      const near = wireHop(paced(Array.from({ length: 500 }, (_, n) => n)), { runtime, window: WINDOW })
      const far = wireHop(near.pipe(setup(runtime)), { runtime, window: WINDOW })
      far
        .pipe(consumeSlowly(1, () => done++))
        .subscribe(() => (ahead = Math.max(ahead, near.books.taken - done * itemsOfOne)))
      return near.books
    })

    expect(books).toMatchObject({ taken: 500, consumed: 500, doubled: 0 })
    expect(done * itemsOfOne).toBe(500)
    expect(ahead).toBeGreaterThan(WINDOW)
    expect(ahead).toBeLessThanOrEqual(2 * WINDOW * itemsOfOne)
  })
})

function later<T>(runtime: Runtime, value: T): Observable<T> {
  return new Observable(subscriber =>
    runtime.scheduler.schedule(() => {
      subscriber.next(value)
      subscriber.complete()
    }, 1),
  )
}
