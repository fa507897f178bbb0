import { messageOf, type LogEvent } from 'millrace/core'
import { EMPTY, NEVER, of, Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { frameBytes, type FrameParts } from '../support/raw-frame.js'
import { routeMetadata, type RawPeer } from '../support/raw-peer.js'
import { record } from '../support/recording.js'
import { answering, bodiesOf, single, VirtualWire } from '../support/virtual-wire.js'

const echo = answering({
  echo: ({ body }: { body: unknown }) => of(messageOf(body)),
  never: () => NEVER,
})

function connected(): [VirtualWire, RawPeer] {
  const wire = new VirtualWire()
  wire.serve(echo)
  return [wire, wire.rawClient()]
}

function cut(parts: FrameParts, bytes: number): Uint8Array {
  return frameBytes(parts).subarray(0, bytes)
}

const request: FrameParts = { type: 'REQUEST_RESPONSE', id: 1, metadata: routeMetadata('echo'), data: '1' }
const stream: FrameParts = { ...request, type: 'REQUEST_STREAM', word: 5 }
/** A length of metadata that the frame does not have. */
const overlong = Uint8Array.of(0, 0, 9, 1)

/** Point of the checklist of the protocol, and what it is about. */
const malformed: { readonly [what: string]: FrameParts | Uint8Array } = {
  '6: no bytes at all': new Uint8Array(0),
  '6: five bytes': new Uint8Array(5),
  '7: REQUEST_STREAM of eight bytes': cut(stream, 8),
  '7: REQUEST_N without a number': { type: 'REQUEST_N', id: 1 },
  '7: ERROR without a code': { type: 'ERROR', id: 1 },
  '7: ERROR without a code on the connection': { type: 'ERROR', id: 0 },
  '7: KEEPALIVE without a position': { type: 'KEEPALIVE', flags: 'R' },
  '8: metadata of a request longer than it': { type: 'REQUEST_RESPONSE', id: 1, flags: 'M', data: overlong },
  '8: metadata of an item longer than it': { type: 'PAYLOAD', id: 3, flags: 'MN', data: overlong },
  '8: metadata without its length': { type: 'PAYLOAD', id: 3, flags: 'MN', data: Uint8Array.of(0) },
  '10: a stream id above 31 bits': { type: 'CANCEL', id: 0x8000_0001 },
  '12: a type that nobody knows': { type: 0x20, id: 1 },
  '12: a type that nobody knows on the connection': { type: 0x20 },
  '13: an extension': { type: 'EXT', id: 1, word: 7 },
  '40: a request on an even id': { ...request, id: 2 },
  '82: RESUME after SETUP': { type: 'RESUME' },
  'a request on the connection': { ...request, id: 0 },
  'an item that is neither item nor end': { type: 'PAYLOAD', id: 3 },
}

describe('a frame that is malformed', () => {
  it.each(Object.entries(malformed))('ends the connection, %s', (_, frame) => {
    const [wire, peer] = connected()
    peer.request('REQUEST_RESPONSE', 3, 'never')

    peer.send(frame)
    peer.request('REQUEST_RESPONSE', 5, 'echo', { body: 'late' })
    wire.advance(0)

    expect(peer.lines()).toEqual(['ERROR 0 CONNECTION_ERROR malformed_frame'])
    expect(peer.ending).toBe('closed')
    expect(wire.log).toMatchObject([
      { level: 'warn', event: 'connection.failed', fields: { reason: 'malformed_frame' } },
    ])
  })

  it('leaves other connections alone', () => {
    const [wire, peer] = connected()
    const other = wire.rawClient()

    peer.send(new Uint8Array(3))
    other.request('REQUEST_RESPONSE', 1, 'echo', { body: 'a' })
    wire.advance(0)

    expect(other.lines()).toEqual(['PAYLOAD 1 NC "a"'])
  })

  it('fails the calls of a client', () => {
    const wire = new VirtualWire()
    const { connection, lifetime, peer } = wire.rawServer()
    const reply = record(connection.call(single('unary', 'echo')))

    peer.send(new Uint8Array(3))
    wire.advance(0)

    expect([reply.error, lifetime.error]).toMatchObject([
      { code: 'INVALID_ARGUMENT', reason: 'malformed_frame' },
      { code: 'INVALID_ARGUMENT', reason: 'malformed_frame' },
    ])
  })
})

/** Point of the checklist, and what it is about. */
const ignored: { readonly [what: string]: FrameParts } = {
  '8: metadata longer than its frame, I set': { type: 'PAYLOAD', id: 3, flags: 'MNI', data: overlong },
  '11: a type that nobody knows, I set': { type: 0x20, id: 1, flags: 'I' },
  '13: an extension, I set': { type: 'EXT', flags: 'I', word: 7 },
  '20: SETUP on a stream': { type: 'SETUP', id: 1 },
  '35: KEEPALIVE on a stream': { type: 'KEEPALIVE', id: 1, flags: 'R', data: '12345678' },
  '37: a request on an id in use': { ...stream, id: 3 },
  '38: an item on an id that is free': { type: 'PAYLOAD', id: 9, flags: 'N', data: '1' },
  '38: CANCEL on an id that is free': { type: 'CANCEL', id: 9 },
  '38: ERROR on an id that is free': { type: 'ERROR', id: 9, word: 0x201 },
  '38: REQUEST_N on an id that is free': { type: 'REQUEST_N', id: 9, word: 5 },
  '38: an item on an id of the other side': { type: 'PAYLOAD', id: 2, flags: 'N', data: '1' },
  '39: CANCEL on the connection': { type: 'CANCEL' },
  '39: an item on the connection': { type: 'PAYLOAD', flags: 'N' },
  '77: METADATA_PUSH': { type: 'METADATA_PUSH', flags: 'M', data: 'a' },
  '77: METADATA_PUSH on a stream': { type: 'METADATA_PUSH', id: 1, flags: 'M', data: 'a' },
  'LEASE that nobody asked for': { type: 'LEASE', data: '12345678' },
  'an item for a unary call': { type: 'PAYLOAD', id: 3, flags: 'N', data: '1' },
  'REQUEST_N for a unary call': { type: 'REQUEST_N', id: 3, word: 5 },
}

describe('a frame that means nothing', () => {
  it.each(Object.entries(ignored))('is ignored, %s', (_, frame) => {
    const [wire, peer] = connected()
    peer.request('REQUEST_RESPONSE', 3, 'never')

    peer.send(frame)
    peer.request('REQUEST_RESPONSE', 5, 'echo', { body: 'a' })
    wire.advance(0)

    expect(peer.lines()).toEqual(['PAYLOAD 5 NC "a"'])
    expect(wire.accepted[0]).toHaveProperty('running', 1)
    expect(wire.log).toEqual([])
  })

  it('9: may have flags that nobody knows', () => {
    const [wire, peer] = connected()
    const bytes = frameBytes({ ...request, id: 5 })
    bytes[5] = (bytes[5] ?? 0) | 0x1f

    peer.send(bytes)
    wire.advance(0)

    expect(peer.lines()).toEqual(['PAYLOAD 5 NC 1'])
  })
})

describe('KEEPALIVE', () => {
  it('32: is answered once, with its data', () => {
    const [wire, peer] = connected()

    peer.send({ type: 'KEEPALIVE', flags: 'R', data: '12345678ka' })
    wire.advance(0)

    expect(peer.received).toEqual([frameBytes({ type: 'KEEPALIVE', data: `${'\0'.repeat(8)}ka` })])
  })

  it('33: is not answered unless asked to', () => {
    const [wire, peer] = connected()

    peer.send({ type: 'KEEPALIVE', data: '12345678ka' })
    wire.advance(0)

    expect(peer.lines()).toEqual([])
  })

  it('31: is sent by a client all the time', () => {
    const wire = new VirtualWire({ keepAliveMs: 150, maxLifetimeMs: 300 })
    const { peer } = wire.rawServer()

    for (let round = 0; round < 10; round++) {
      wire.advance(150)
      peer.send({ type: 'KEEPALIVE', data: '12345678' })
    }

    expect(peer.lines()).toEqual(Array.from({ length: 10 }, () => 'KEEPALIVE ask'))
  })

  it('keeps two engines connected for a day', () => {
    const wire = new VirtualWire()
    wire.serve(echo)
    const { lifetime } = wire.connect()

    wire.advance(86_400_000)

    expect(lifetime).toMatchObject({ error: undefined, completed: false })
    expect(wire.log).toEqual([])
  })
})

describe('silence', () => {
  it('34: ends the connection of a client in time', () => {
    const wire = new VirtualWire({ keepAliveMs: 100, maxLifetimeMs: 1000 })
    const { connection, lifetime } = wire.rawServer()
    const reply = record(connection.call(single('unary', 'echo')))

    wire.advance(900)
    const before = lifetime.error
    wire.advance(100)

    expect(before).toBeUndefined()
    expect([reply.error, lifetime.error]).toMatchObject([{ reason: 'connection_lost' }, { reason: 'connection_lost' }])
    expect(wire.log).toMatchObject([{ event: 'connection.failed' }])
  })

  it('34: ends the connection of a server in time', () => {
    const wire = new VirtualWire()
    const work$ = new Subject<never>()
    wire.serve(answering({ work: () => work$ }))
    const peer = wire.rawClient({ keepAliveMs: 100, maxLifetimeMs: 1000 })
    peer.request('REQUEST_RESPONSE', 1, 'work')
    wire.advance(900)
    const before = peer.ending

    wire.advance(100)

    expect([before, peer.ending, work$.observed]).toEqual(['open', 'closed', false])
  })

  it('is broken by any frame', () => {
    const wire = new VirtualWire()
    wire.serve(echo)
    const peer = wire.rawClient({ keepAliveMs: 100, maxLifetimeMs: 1000 })

    for (let round = 0; round < 10; round++) {
      peer.send({ type: 'CANCEL', id: 1 })
      wire.advance(900)
    }

    expect(peer.ending).toBe('open')
  })

  it('of a link ends both sides and leaves no timer', () => {
    const states$ = new Subject<'frozen'>()
    const wire = new VirtualWire({ keepAliveMs: 100, maxLifetimeMs: 1000 }, { faults: { link: () => states$ } })
    const { listening } = wire.serve(answering({ work: () => NEVER }))
    const { connection } = wire.connect()
    const replies = record(connection.call(single('serverStream', 'work')))
    wire.advance(0)

    states$.next('frozen')
    wire.advance(3000)
    listening.unsubscribe()

    expect(replies.error).toMatchObject({ code: 'UNAVAILABLE', reason: 'connection_lost' })
    expect(wire.accepted[0]).toHaveProperty('running', 0)
    expect(wire.pending).toBe(0)
  })
})

describe('the end of a connection', () => {
  it('79: fails every call when the peer says why', () => {
    const wire = new VirtualWire()
    const { connection, peer, lifetime } = wire.rawServer()
    const calls = [record(connection.call(single('unary', 'a'))), record(connection.call(single('serverStream', 'b')))]

    peer.send({ type: 'ERROR', word: 0x101, data: 'broken' })
    wire.advance(0)

    for (const { error } of [...calls, lifetime]) {
      expect(error).toMatchObject({ code: 'UNAVAILABLE', reason: 'connection_lost', cause: { rawMessage: 'broken' } })
    }
    expect(peer.ending).toBe('closed')
  })

  it('is told by the status', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer()
    const status = record(connection.status)

    peer.close()
    wire.advance(0)

    expect(status).toMatchObject({ values: ['open', 'closed'], completed: true })
  })

  it('is logged when the link breaks', () => {
    const states$ = new Subject<'lost'>()
    const wire = new VirtualWire({}, { faults: { link: () => states$ } })
    wire.serve(echo)
    wire.connect()

    states$.next('lost')
    wire.advance(0)

    const lost: Partial<LogEvent> = { level: 'warn', event: 'connection.lost' }
    expect(wire.log).toMatchObject([lost, lost])
  })

  it('is not logged when the peer just closes', () => {
    const [wire, peer] = connected()

    peer.close()
    wire.advance(0)

    expect(wire.log).toEqual([])
  })

  it('refuses calls afterwards, safe to retry', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer()
    peer.close()
    wire.advance(0)

    const reply = record(connection.call(single('unary', 'echo')))

    expect(reply.error).toMatchObject({ reason: 'connection_closed', retry: { safe: true } })
  })

  it('leaves no timer and no task', () => {
    const wire = new VirtualWire()
    const { listening } = wire.serve(echo)
    const { lifetime } = wire.connect()

    lifetime.subscription.unsubscribe()
    listening.unsubscribe()
    wire.advance(2000)

    expect(wire.pending).toBe(0)
  })

  it('by the listener ends all its connections', () => {
    const wire = new VirtualWire()
    const { listening } = wire.serve(echo)
    const { connection, lifetime } = wire.connect()
    const reply = record(connection.call(single('unary', 'never')))

    listening.unsubscribe()
    wire.advance(0)

    expect([reply.error, lifetime.error]).toMatchObject([{ reason: 'connection_lost' }, { reason: 'connection_lost' }])
  })
})

describe('stream ids', () => {
  it('36: of a client are odd and go up', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer()

    for (const kind of ['unary', 'serverStream', 'tell', 'unary'] as const)
      connection.call(single(kind, 'a')).subscribe()
    wire.advance(0)

    expect(peer.received.map(bytes => bytes[3])).toEqual([1, 3, 5, 7])
  })

  it('41: begin anew at the end, without those in use', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer()
    const open = record(connection.call(single('unary', 'a')))
    Reflect.set(connection, 'nextId', 0x7fff_fffd)

    for (let index = 0; index < 3; index++) record(connection.call(single('unary', 'a')))
    wire.advance(0)
    const ids = peer.received.map(bytes => Buffer.from(bytes).readUInt32BE(0))
    peer.item(1, 'first', 'NC')
    peer.item(0x7fff_ffff, 'last', 'NC')
    wire.advance(0)

    expect(ids).toEqual([1, 0x7fff_fffd, 0x7fff_ffff, 3])
    expect(bodiesOf(open)).toEqual(['first'])
  })

  it('may be used again by a peer', () => {
    const [wire, peer] = connected()

    for (let round = 0; round < 3; round++) peer.request('REQUEST_RESPONSE', 1, 'echo', { body: round })
    wire.advance(0)

    expect(peer.lines()).toEqual(['PAYLOAD 1 NC 0', 'PAYLOAD 1 NC 1', 'PAYLOAD 1 NC 2'])
  })
})

describe('the limit of calls', () => {
  it('refuses more at once, safe to retry', () => {
    const wire = new VirtualWire({ maxStreams: 2 })
    wire.serve(echo)
    const peer = wire.rawClient()

    for (const id of [1, 3, 5]) peer.request('REQUEST_RESPONSE', id, 'never')
    wire.advance(0)

    expect(peer.lines()).toEqual(['ERROR 5 REJECTED too_many_streams'])
  })

  it.each([
    ['CANCEL', (peer: RawPeer) => peer.send({ type: 'CANCEL', id: 1 })],
    ['ERROR', (peer: RawPeer) => peer.send({ type: 'ERROR', id: 1, word: 0x201 })],
  ])('has room again after %s', (_, leave) => {
    const wire = new VirtualWire({ maxStreams: 1 })
    wire.serve(echo)
    const peer = wire.rawClient()
    peer.request('REQUEST_CHANNEL', 1, 'never', { n: 1 })

    leave(peer)
    peer.request('REQUEST_RESPONSE', 3, 'echo', { body: 'a' })
    wire.advance(0)

    expect(peer.lines()).toEqual(['PAYLOAD 3 NC "a"'])
  })

  it('counts tells while they run', () => {
    const wire = new VirtualWire({ maxStreams: 1 })
    const work$ = new Subject<never>()
    wire.serve(answering({ work: () => work$, echo: () => of(messageOf('a')), empty: () => EMPTY }))
    const peer = wire.rawClient()
    peer.request('REQUEST_FNF', 1, 'work')
    peer.request('REQUEST_RESPONSE', 3, 'echo')
    wire.advance(0)
    const refused = peer.lines()

    work$.complete()
    peer.request('REQUEST_FNF', 5, 'empty')
    peer.request('REQUEST_RESPONSE', 7, 'echo')
    wire.advance(0)

    expect([refused, peer.lines()]).toEqual([['ERROR 3 REJECTED too_many_streams'], ['PAYLOAD 7 NC "a"']])
  })
})

describe('draining', () => {
  it('78: lets running calls end, then closes', () => {
    const wire = new VirtualWire({ closeTimeoutMs: 50 })
    const work$ = new Subject<ReturnType<typeof messageOf>>()
    const { binding } = wire.serve(answering({ work: () => work$ }))
    const { connection, lifetime } = wire.connect()
    const replies = record(connection.call(single('serverStream', 'work')))
    wire.advance(0)

    const drained = record(binding.drain())
    wire.advance(1000)
    const before = [drained.completed, lifetime.completed]
    work$.next(messageOf('a'))
    work$.complete()
    wire.advance(50)

    expect(before).toEqual([false, false])
    expect(replies).toMatchObject({ values: [messageOf('a')], completed: true })
    expect([drained.completed, lifetime.completed]).toEqual([true, true])
    expect(wire.log).toEqual([])
  })

  it('tells the peer and refuses what crosses it', () => {
    const wire = new VirtualWire({ closeTimeoutMs: 50 })
    const { binding } = wire.serve(echo)
    const peer = wire.rawClient()
    peer.request('REQUEST_RESPONSE', 1, 'never')
    wire.advance(0)

    binding.drain().subscribe()
    peer.request('REQUEST_RESPONSE', 3, 'echo', { body: 'a' })
    peer.request('REQUEST_STREAM', 5, 'echo', { n: 1 })
    wire.advance(0)

    expect(peer.lines()).toEqual([
      'ERROR 0 CONNECTION_CLOSE draining',
      'ERROR 3 REJECTED draining',
      'ERROR 5 REJECTED draining',
    ])
  })

  it('reads the routes of requests that it refuses', () => {
    const wire = new VirtualWire({ closeTimeoutMs: 50 })
    const { binding } = wire.serve(echo)
    const peer = wire.rawClient()
    binding.drain().subscribe()

    peer.send({ type: 'REQUEST_RESPONSE', id: 1, metadata: routeMetadata('echo', 0, 1), data: '1' })
    peer.send({ type: 'REQUEST_RESPONSE', id: 3, metadata: Uint8Array.of(0, 1), data: '1' })
    wire.advance(0)

    expect(peer.lines().slice(1)).toEqual(['ERROR 1 REJECTED draining', 'ERROR 3 REJECTED draining'])
  })

  it('makes a client take no new calls', () => {
    const wire = new VirtualWire({ closeTimeoutMs: 50 })
    const { binding } = wire.serve(echo)
    const { connection } = wire.connect()
    record(connection.call(single('unary', 'never')))
    const status = record(connection.status)
    wire.advance(0)
    binding.drain().subscribe()
    wire.advance(0)

    const reply = record(connection.call(single('unary', 'echo')))

    expect(status.values).toEqual(['open', 'draining'])
    expect(reply.error).toMatchObject({ code: 'UNAVAILABLE', reason: 'connection_draining', retry: { safe: true } })
  })

  it('closes on a peer that does not', () => {
    const wire = new VirtualWire({ closeTimeoutMs: 50 })
    const { binding } = wire.serve(echo)
    const peer = wire.rawClient()

    const drained = record(binding.drain())
    wire.advance(49)
    const before = peer.ending
    wire.advance(2)

    expect([before, peer.ending, drained.completed]).toEqual(['open', 'closed', true])
  })

  it('includes connections that were being set up', () => {
    const wire = new VirtualWire({ closeTimeoutMs: 50 })
    const { binding } = wire.serve(echo)
    const peer = wire.rawClient('none')

    const drained = record(binding.drain())
    peer.setup()
    peer.request('REQUEST_RESPONSE', 1, 'echo', { body: 'a' })
    wire.advance(60)

    expect(peer.lines()).toEqual(['ERROR 0 CONNECTION_CLOSE draining', 'ERROR 1 REJECTED draining'])
    expect(drained.completed).toBe(true)
  })

  it('accepts nobody any more', () => {
    const wire = new VirtualWire()
    const { binding } = wire.serve(echo)

    const drained = record(binding.drain())
    const { lifetime } = wire.connect()

    expect(drained.completed).toBe(true)
    expect(lifetime.error).toMatchObject({ reason: 'connect_failed' })
  })

  it('goes on when nobody listens to it', () => {
    const wire = new VirtualWire({ closeTimeoutMs: 50 })
    const { binding } = wire.serve(echo)
    const peer = wire.rawClient()

    binding.drain().subscribe().unsubscribe()
    wire.advance(100)

    expect(peer.ending).toBe('closed')
  })
})
