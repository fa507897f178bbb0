import { messageOf, type Message, type RpcError } from 'millrace/core'
import { hold, paced, pacedMap, type Release } from 'millrace/streams'
import { finalize, from, interval, map, mergeMap, type Observable, of, range, Subject, take, tap } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { record } from '../support/recording.js'
import { answering, bodiesOf, single, VirtualWire } from '../support/virtual-wire.js'

function numbers(count: number): () => Observable<Message> {
  return () => paced(Array.from({ length: count }, (_, index) => messageOf(index)))
}

describe('a stream of replies', () => {
  it('arrives whole and in order', () => {
    const wire = new VirtualWire()
    wire.serve(answering({ numbers: numbers(1000) }))
    const { connection } = wire.connect()

    const replies = record(connection.call(single('serverStream', 'numbers')))
    wire.advance(10)

    expect(bodiesOf(replies)).toEqual(Array.from({ length: 1000 }, (_, index) => index))
    expect(replies.completed).toBe(true)
  })

  it('asks for a window of items first', () => {
    const wire = new VirtualWire({ window: 16 })
    const { connection, peer } = wire.rawServer()

    record(connection.call(single('serverStream', 'numbers', 'a')))
    wire.advance(0)

    expect(peer.lines()).toEqual(['REQUEST_STREAM 1 n=16 "a"'])
  })

  it('asks again when a quarter is consumed', () => {
    const wire = new VirtualWire({ window: 16 })
    const { connection, peer } = wire.rawServer()
    record(connection.call(single('serverStream', 'numbers')))
    wire.advance(0)
    peer.lines()

    const asked = Array.from({ length: 9 }, (_, index) => {
      peer.item(1, index)
      wire.advance(0)
      return peer.lines().join()
    })

    expect(asked).toEqual(['', '', '', 'REQUEST_N 1 n=4', '', '', '', 'REQUEST_N 1 n=4', ''])
  })

  it('asks for nothing that is not consumed', () => {
    const wire = new VirtualWire({ window: 4 })
    const { connection, peer } = wire.rawServer()
    const held: (Release | undefined)[] = []
    record(connection.call(single('serverStream', 'numbers')).pipe(tap(() => held.push(hold()))))
    for (let index = 0; index < 4; index++) peer.item(1, index)
    wire.advance(0)
    const before = peer.lines()

    held[2]?.()
    wire.advance(0)

    expect([before, peer.lines()]).toEqual([['REQUEST_STREAM 1 n=4'], ['REQUEST_N 1 n=1']])
  })

  it('fails when more comes than was asked for', () => {
    const wire = new VirtualWire({ window: 2 })
    const { connection, peer } = wire.rawServer()
    const replies = record(connection.call(single('serverStream', 'numbers')).pipe(tap(() => hold())))

    for (let index = 0; index < 3; index++) peer.item(1, index)
    wire.advance(0)

    expect(bodiesOf(replies)).toEqual([0, 1])
    expect(replies.error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'credit_exceeded' })
    expect(peer.lines()).toEqual(['REQUEST_STREAM 1 n=2', 'CANCEL 1'])
  })

  it('fails when an item cannot be read', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer()
    const replies = record(connection.call(single('serverStream', 'numbers')))

    peer.item(1, 'a')
    peer.send({ type: 'PAYLOAD', id: 1, flags: 'N', data: '' })
    peer.item(1, 'late')
    wire.advance(0)

    expect(bodiesOf(replies)).toEqual(['a'])
    expect(replies.error).toMatchObject({ reason: 'not_decodable' })
    expect(peer.lines()).toEqual([expect.stringContaining('REQUEST_STREAM'), 'CANCEL 1'])
  })

  it('fails when the metadata of an item cannot be read', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer()
    const replies = record(connection.call(single('serverStream', 'numbers')))

    peer.send({ type: 'PAYLOAD', id: 1, flags: 'N', metadata: Uint8Array.of(4, 1), data: '1' })
    wire.advance(0)

    expect(replies.error).toMatchObject({ reason: 'invalid_metadata' })
  })

  it('says CANCEL when unsubscribed within an item', () => {
    const wire = new VirtualWire({ window: 2 })
    const { connection, peer } = wire.rawServer()
    const replies = record(connection.call(single('serverStream', 'numbers')).pipe(take(2)))

    for (let index = 0; index < 4; index++) peer.item(1, index)
    wire.advance(0)

    expect(bodiesOf(replies)).toEqual([0, 1])
    expect(peer.lines()).toEqual(['REQUEST_STREAM 1 n=2', 'REQUEST_N 1 n=1', 'CANCEL 1'])
  })

  it('says no CANCEL when its last item ends it', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer()
    record(connection.call(single('serverStream', 'numbers')).pipe(take(1)))
    wire.advance(0)
    peer.lines()

    peer.item(1, 'last', 'NC')
    wire.advance(0)

    expect(peer.lines()).toEqual([])
  })

  it('gives trailers and header entries of items', () => {
    const wire = new VirtualWire()
    const items = [{ header: { page: '1' }, body: 'a' }, messageOf(null), { header: { total: '2' }, body: undefined }]
    wire.serve(answering({ numbers: () => from(items) }))
    const { connection } = wire.connect()

    const replies = record(connection.call(single('serverStream', 'numbers')))
    wire.advance(0)

    expect(replies.values.map(({ header, body }) => ({ header: { ...header }, body }))).toEqual(
      items.map(({ header, body }) => ({ header: { ...header }, body })),
    )
  })
})

describe('an answer with a stream', () => {
  it('ends with the items that were waiting', () => {
    const wire = new VirtualWire()
    wire.serve(answering({ numbers: () => range(0, 3).pipe(map(messageOf)) }))
    const peer = wire.rawClient()
    peer.request('REQUEST_STREAM', 1, 'numbers', { n: 2 })
    wire.advance(0)

    peer.send({ type: 'REQUEST_N', id: 1, word: 5 })
    wire.advance(0)

    expect(peer.lines()).toEqual(['PAYLOAD 1 N 0', 'PAYLOAD 1 N 1', 'PAYLOAD 1 N 2', 'PAYLOAD 1 C'])
  })

  it('is torn down when the requester says ERROR', () => {
    const wire = new VirtualWire()
    const source$ = new Subject<never>()
    wire.serve(answering({ numbers: () => source$ }))
    const peer = wire.rawClient()
    peer.request('REQUEST_STREAM', 1, 'numbers', { n: 2 })

    peer.send({ type: 'ERROR', id: 1, word: 0x201, data: 'enough' })
    wire.advance(0)

    expect(source$.observed).toBe(false)
  })

  it.each(['REQUEST_STREAM', 'REQUEST_CHANNEL'] as const)('is an error when the peer throws at %s', type => {
    const wire = new VirtualWire()
    wire.serve(answering({}))
    const peer = wire.rawClient()

    peer.request(type, 1, 'nothing', { n: 2 })
    wire.advance(0)

    expect(peer.lines()).toEqual(['ERROR 1 INVALID unknown_endpoint'])
  })

  it('ends at the item that does not fit the transport', () => {
    const wire = new VirtualWire({}, { maxFrameBytes: 300 })
    const items$ = new Subject<string>()
    wire.serve(answering({ items: () => items$.pipe(map(messageOf)) }))
    const { connection } = wire.connect()
    const replies = record(connection.call(single('serverStream', 'items')))
    wire.advance(0)

    for (const item of ['a', 'x'.repeat(300), 'b']) items$.next(item)
    wire.advance(0)

    expect(bodiesOf(replies)).toEqual(['a'])
    expect(replies.error).toMatchObject({ reason: 'frame_too_large' })
    expect(items$.observed).toBe(false)
  })

  it('ends at a waiting item that does not fit', () => {
    const wire = new VirtualWire({ window: 1 }, { maxFrameBytes: 300 })
    wire.serve(answering({ items: () => paced([messageOf('a'), messageOf('x'.repeat(300)), messageOf('b')]) }))
    const { connection } = wire.connect()
    let release: Release | undefined
    const replies = record(connection.call(single('serverStream', 'items')).pipe(tap(() => (release = hold()))))
    wire.advance(0)

    release?.()
    wire.advance(0)

    expect(replies.error).toMatchObject({ reason: 'frame_too_large' })
  })

  it('ends when its teardown throws', () => {
    const wire = new VirtualWire()
    const ends$ = new Subject<never>()
    wire.serve(
      answering({
        items: () =>
          ends$.pipe(
            finalize(() => {
              throw new Error('teardown')
            }),
          ),
      }),
    )
    const { connection } = wire.connect()
    const replies = record(connection.call(single('serverStream', 'items')))
    wire.advance(0)

    ends$.complete()
    wire.advance(0)

    expect(replies.completed).toBe(true)
    expect(wire.log).toMatchObject([{ event: 'teardown.failed' }])
  })

  it('waits for the socket although there is credit', () => {
    const wire = new VirtualWire({ window: 10_000 }, { highWaterMarkBytes: 100, latencyMs: 5 })
    let taken = 0
    const counted = function* (): Generator<Message> {
      for (; taken < 1000; taken++) yield messageOf('x'.repeat(40))
    }
    wire.serve(answering({ items: () => paced(counted()) }))
    const connected = wire.connect()
    wire.advance(10)
    const replies = record(connected.connection.call(single('serverStream', 'items')))

    wire.advance(14)
    const early = taken
    wire.advance(100_000)

    expect(early).toBeLessThan(6)
    expect(replies.completed).toBe(true)
  })
})

describe('streams beside each other', () => {
  it('take turns on a socket that is full', () => {
    const wire = new VirtualWire({}, { highWaterMarkBytes: 200 })
    const endless = (): Observable<Message> => paced(Array.from({ length: 300 }, () => messageOf('x'.repeat(90))))
    wire.serve(answering({ endless }))
    const peer = wire.rawClient()

    for (const id of [1, 3, 5]) peer.request('REQUEST_STREAM', id, 'endless', { n: 0x7fff_ffff })
    wire.advance(100)

    const order = peer.received.map(bytes => bytes[3])
    const firstHalf = order.slice(0, 450)
    for (const id of [1, 3, 5]) expect(firstHalf.filter(each => each === id).length).toBeGreaterThan(100)
    expect(order).toHaveLength(903)
  })

  it('forget those cancelled while the socket was full', () => {
    const wire = new VirtualWire({}, { highWaterMarkBytes: 200 })
    wire.serve(answering({ endless: () => paced(Array.from({ length: 300 }, () => messageOf('x'.repeat(90)))) }))
    const peer = wire.unread()

    for (let id = 1; id < 401; id += 2) {
      peer.request('REQUEST_STREAM', id, 'endless', { n: 100 })
      peer.send({ type: 'CANCEL', id })
    }
    wire.advance(0)

    const sender: unknown = Reflect.get(wire.accepted[0] ?? {}, 'sender')
    expect(Reflect.get(sender ?? {}, 'waiting')).toHaveProperty('size', 0)
  })

  it('end with the connection, each once', () => {
    const wire = new VirtualWire()
    wire.serve(answering({ endless: () => interval(1, wire.runtime.scheduler).pipe(map(messageOf)) }))
    const { connection, lifetime } = wire.connect()
    const errors: string[] = []
    for (let index = 0; index < 10; index++) {
      connection
        .call(single('serverStream', 'endless'))
        .subscribe({ error: (error: RpcError) => errors.push(error.code) })
    }
    wire.advance(5)

    lifetime.subscription.unsubscribe()
    wire.advance(5)

    expect(errors).toEqual(Array.from({ length: 10 }, () => 'UNAVAILABLE'))
    expect(wire.pending).toBe(0)
  })

  it('are paced by the work done on them', () => {
    const wire = new VirtualWire({ window: 8 })
    let produced = 0
    const endless = function* (): Generator<Message> {
      for (;;) yield messageOf(produced++)
    }
    wire.serve(answering({ endless: () => paced(endless()) }))
    const { connection } = wire.connect()
    let worked = 0
    const slow = mergeMap(() => interval(10, wire.runtime.scheduler).pipe(take(1)))

    connection
      .call(single('serverStream', 'endless'))
      .pipe(pacedMap(item => of(item).pipe(slow), { concurrency: 1, runtime: wire.runtime }))
      .subscribe(() => worked++)
    wire.advance(1000)

    expect(worked).toBe(100)
    expect(produced).toBeLessThanOrEqual(worked + 8 + 1)
  })
})
