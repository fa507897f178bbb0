import { messageOf, RpcError } from 'millrace/core'
import type { SingleCall } from 'millrace/protocol'
import { concat, map, NEVER, Observable, of, Subject, take, throwError, timer } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { record } from '../support/recording.js'
import { answering, bodiesOf, single, VirtualWire } from '../support/virtual-wire.js'

const echo = ({ body }: SingleCall): Observable<ReturnType<typeof messageOf>> => of(messageOf(body))

describe('a unary call', () => {
  it('gives its reply and completes', () => {
    const wire = new VirtualWire()
    wire.serve(answering({ echo }))
    const { connection } = wire.connect()

    const reply = record(connection.call(single('unary', 'echo', { a: 1 })))
    wire.advance(0)

    expect(reply).toMatchObject({ values: [messageOf({ a: 1 })], completed: true })
  })

  it('sends nothing before it is subscribed', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer()

    connection.call(single('unary', 'echo', 'a'))
    wire.advance(0)

    expect(peer.lines()).toEqual([])
  })

  it('is made once a subscription', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer()
    const call = connection.call(single('unary', 'echo', 'a'))

    record(call)
    record(call)
    wire.advance(0)

    expect(peer.lines()).toEqual(['REQUEST_RESPONSE 1 "a"', 'REQUEST_RESPONSE 3 "a"'])
  })

  it('without a body gives a handler none', () => {
    const wire = new VirtualWire()
    const bodies: unknown[] = []
    wire.serve(answering({ echo: ({ body }: SingleCall) => (bodies.push(body), of(messageOf(undefined))) }))
    const { connection } = wire.connect()

    const replies = [null, undefined, ''].map(body => record(connection.call(single('unary', 'echo', body))))
    wire.advance(0)

    expect(bodies).toEqual([null, undefined, ''])
    expect(replies.flatMap(bodiesOf)).toEqual([undefined, undefined, undefined])
  })

  it('carries header entries and the time that is left', () => {
    const wire = new VirtualWire()
    const seen: SingleCall[] = []
    wire.serve(answering({ echo: (call: SingleCall) => (seen.push(call), of({ header: { b: 'ü' }, body: 1 })) }))
    const { connection } = wire.connect()
    wire.advance(1000)

    const reply = record(
      connection.call({ ...single('unary', 'echo', 0), header: { a: 'é', '': '' }, deadline: 1250.5 }),
    )
    wire.advance(0)

    expect(seen).toMatchObject([{ header: { a: 'é', '': '' }, deadline: 1251, route: { version: '1.0.0' } }])
    expect(reply.values).toMatchObject([{ header: { b: 'ü' }, body: 1 }])
  })

  it('says a deadline that has passed as 0', () => {
    const wire = new VirtualWire()
    const seen: SingleCall[] = []
    wire.serve(answering({ echo: (call: SingleCall) => (seen.push(call), NEVER) }))
    const { connection } = wire.connect()
    wire.advance(1000)

    record(connection.call({ ...single('unary', 'echo', 0), deadline: 10 }))
    wire.advance(0)

    expect(seen).toMatchObject([{ deadline: 1000 }])
  })

  it('fails when the reply cannot be read', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer()
    const reply = record(connection.call(single('unary', 'echo', 'a')))

    peer.send({ type: 'PAYLOAD', id: 1, flags: 'NC', data: '{' })
    wire.advance(0)

    expect(reply.error).toMatchObject({ reason: 'not_decodable' })
  })

  it('fails when the request cannot be written', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer()

    const reply = record(connection.call(single('unary', 'echo', () => {})))
    wire.advance(0)

    expect(reply.error).toMatchObject({ reason: 'not_encodable' })
    expect(peer.lines()).toEqual([])
  })

  it('says CANCEL once when unsubscribed', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer()
    const reply = record(connection.call(single('unary', 'echo', 'a')))

    reply.subscription.unsubscribe()
    reply.subscription.unsubscribe()
    peer.item(1, 'late', 'NC')
    wire.advance(0)

    expect(peer.lines()).toEqual(['REQUEST_RESPONSE 1 "a"', 'CANCEL 1'])
    expect(reply.values).toEqual([])
  })

  it('says no CANCEL after its reply', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer()
    record(connection.call(single('unary', 'echo', 'a')).pipe(take(1)))

    peer.item(1, 'b', 'NC')
    wire.advance(0)

    expect(peer.lines()).toEqual(['REQUEST_RESPONSE 1 "a"'])
  })

  it('may be made within the reply to another', () => {
    const wire = new VirtualWire()
    wire.serve(answering({ echo }))
    const { connection } = wire.connect()
    const inner: unknown[] = []

    connection.call(single('unary', 'echo', 'a')).subscribe(() => {
      connection.call(single('unary', 'echo', 'b')).subscribe(({ body }) => inner.push(body))
    })
    wire.advance(0)

    expect(inner).toEqual(['b'])
  })

  it('may be tried again when the connection is lost', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer()
    const errors: string[] = []
    connection.call(single('unary', 'echo', 'a')).subscribe({
      error: (error: RpcError) => {
        errors.push(error.reason)
        connection.call(single('unary', 'echo', 'a')).subscribe({ error: (next: RpcError) => errors.push(next.reason) })
      },
    })
    wire.advance(0)

    peer.abort()
    wire.advance(0)

    expect(errors).toEqual(['connection_lost', 'connection_closed'])
  })

  it('takes no stream away from a frame over the limit', () => {
    const wire = new VirtualWire({}, { maxFrameBytes: 300 })
    wire.serve(answering({ echo }))
    const { connection, lifetime } = wire.connect()

    const tooLong = record(connection.call(single('unary', 'echo', 'x'.repeat(300))))
    const next = record(connection.call(single('unary', 'echo', 'short')))
    wire.advance(0)

    expect(tooLong.error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'frame_too_large' })
    expect(bodiesOf(next)).toEqual(['short'])
    expect(lifetime.error).toBeUndefined()
  })
})

describe('an answer to a unary call', () => {
  it.each<[string, Observable<unknown>, string]>([
    ['the first item', of('a', 'b'), 'PAYLOAD 1 NC "a"'],
    ['the first item of an open source', concat(of('a'), NEVER), 'PAYLOAD 1 NC "a"'],
    ['an end without an item', of(), 'PAYLOAD 1 C'],
    ['no body', of(undefined), 'PAYLOAD 1 NC (none)'],
    ['an item that cannot be written', of(Symbol('a')), 'ERROR 1 INVALID not_encodable'],
    ['a foreign error', throwError(() => new Error('a')), 'ERROR 1 APPLICATION_ERROR internal'],
  ])('is %s', (_, source, line) => {
    const wire = new VirtualWire()
    wire.serve(answering({ echo: () => source.pipe(map(messageOf)) }))
    const peer = wire.rawClient()

    peer.request('REQUEST_RESPONSE', 1, 'echo', { body: 'a' })
    wire.advance(0)

    expect(peer.lines()).toEqual([line])
  })

  it('is an error when the peer itself throws', () => {
    const wire = new VirtualWire()
    wire.serve(answering({ echo }))
    const peer = wire.rawClient()

    peer.request('REQUEST_RESPONSE', 1, 'nothing', { body: 'a' })
    peer.request('REQUEST_RESPONSE', 3, 'echo', { body: 'b' })
    wire.advance(0)

    expect(peer.lines()).toEqual(['ERROR 1 INVALID unknown_endpoint', 'PAYLOAD 3 NC "b"'])
  })

  it('is an error when the request cannot be read', () => {
    const wire = new VirtualWire()
    wire.serve(answering({ echo }))
    const peer = wire.rawClient()

    peer.send({ type: 'REQUEST_RESPONSE', id: 1, metadata: Uint8Array.of(1, 0, 1, 65, 0, 1, 65), data: '{' })
    wire.advance(0)

    expect(peer.lines()).toEqual([expect.stringMatching(/^ERROR 1 \w+ not_decodable$/)])
  })

  it('is an error when it does not fit the transport', () => {
    const wire = new VirtualWire({}, { maxFrameBytes: 300 })
    wire.serve(answering({ echo: () => timer(1, wire.runtime.scheduler).pipe(map(() => messageOf('x'.repeat(300)))) }))
    const { connection } = wire.connect()

    const reply = record(connection.call(single('unary', 'echo')))
    wire.advance(1)

    expect(reply.error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'frame_too_large' })
  })

  it('carries every part of an error', () => {
    const wire = new VirtualWire()
    const error = new RpcError('ABORTED', 'two at once', {
      reason: 'conflict',
      details: { a: [1, null] },
      retry: { safe: true, afterMs: 5 },
      hops: [{ service: 's', endpoint: 's.e', node: 'n' }],
      cause: new RpcError('DATA_LOSS', 'inner', { cause: new TypeError('innermost') }),
    })
    wire.serve(answering({ echo: () => throwError(() => error) }))
    const { connection } = wire.connect()

    const reply = record(connection.call(single('unary', 'echo')))
    wire.advance(0)

    expect(reply.error?.toJSON()).toEqual(error.toJSON())
  })
})

describe('a teardown that throws', () => {
  const throwing = (): Observable<never> =>
    new Observable(() => () => {
      throw new Error('teardown')
    })

  it('ends its own call only when cancelled', () => {
    const wire = new VirtualWire()
    wire.serve(answering({ throwing, echo }))
    const peer = wire.rawClient()
    peer.request('REQUEST_RESPONSE', 1, 'throwing', { body: 'a' })

    peer.send({ type: 'CANCEL', id: 1 })
    peer.request('REQUEST_RESPONSE', 3, 'echo', { body: 'a' })
    wire.advance(0)

    expect(peer.lines()).toEqual(['PAYLOAD 3 NC "a"'])
    expect(wire.log).toMatchObject([{ level: 'error', event: 'teardown.failed' }])
  })

  it('keeps no other call from hearing of the end', () => {
    const wire = new VirtualWire()
    const other$ = new Subject<never>()
    const { listening } = wire.serve(answering({ throwing, other: () => other$ }))
    const peer = wire.rawClient()
    peer.request('REQUEST_RESPONSE', 1, 'throwing', { body: 'a' })
    peer.request('REQUEST_RESPONSE', 3, 'other', { body: 'a' })
    wire.advance(0)

    peer.close()
    wire.advance(0)

    expect(other$.observed).toBe(false)
    expect(wire.log).toMatchObject([{ event: 'teardown.failed' }])
    listening.unsubscribe()
  })
})

describe('a peer that does not read', () => {
  it('is disconnected when it goes on asking', () => {
    const wire = new VirtualWire({ maxQueuedBytes: 1000 }, { highWaterMarkBytes: 100 })
    const lost$ = new Subject<never>()
    wire.serve(answering({ long: () => of(messageOf('x'.repeat(900))), other: () => lost$ }))
    const socket = wire.unread()
    socket.request('REQUEST_RESPONSE', 1, 'other', { body: 'a' })

    for (let id = 3; id < 101; id += 2) socket.request('REQUEST_RESPONSE', id, 'long', { body: 'a' })
    wire.advance(0)

    expect(wire.log).toMatchObject([{ event: 'connection.failed', fields: { reason: 'slow_peer' } }])
    expect(lost$.observed).toBe(false)
  })

  it('has its calls refused before it is disconnected', () => {
    const wire = new VirtualWire({ maxQueuedBytes: 1000 }, { highWaterMarkBytes: 100 })
    const called: unknown[] = []
    wire.serve(
      answering({
        long: ({ body }) => {
          called.push(body)
          return of(messageOf('x'.repeat(900)))
        },
      }),
    )
    const socket = wire.unread()

    for (let id = 1; id < 11; id += 2) socket.request('REQUEST_RESPONSE', id, 'long', { body: id })
    wire.advance(0)

    expect(called.length).toBeLessThan(4)
    expect(wire.log).toEqual([])
  })

  it('gets new calls refused over the limit', () => {
    const wire = new VirtualWire({ maxQueuedBytes: 1000 }, { highWaterMarkBytes: 100 })
    wire.transport.listen('memory:server').subscribe(({ sockets }) => sockets.subscribe())
    wire.advance(0)
    const { connection } = wire.connect()
    const waiting = record(connection.call(single('unary', 'echo', 'x'.repeat(1500))))

    const refused = record(connection.call(single('unary', 'echo', 'a')))

    expect(refused.error).toMatchObject({ reason: 'queue_full', retry: { safe: true } })
    expect(waiting.error).toBeUndefined()
  })

  it('is as any other once it reads again', () => {
    const wire = new VirtualWire({ maxQueuedBytes: 1000 }, { highWaterMarkBytes: 100 })
    const { connection } = wire.rawServer()
    record(connection.call(single('unary', 'echo', 'x'.repeat(1500))))

    wire.advance(0)
    const next = record(connection.call(single('unary', 'echo', 'a')))

    expect(next.error).toBeUndefined()
  })
})
