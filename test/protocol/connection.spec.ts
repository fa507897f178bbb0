import { messageOf, type LogEvent } from 'millrace/core'
import { delay, EMPTY, NEVER, of, Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { type FrameParts } from '../support/raw-frame.js'
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

const request: FrameParts = { type: 'REQUEST_RESPONSE', id: 1, metadata: routeMetadata('echo'), data: '1' }

/** Beyond the checklist of the protocol, which is in test/conformance. */
const malformed: { readonly [what: string]: FrameParts } = {
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

const ignored: { readonly [what: string]: FrameParts } = {
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
})

describe('KEEPALIVE', () => {
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

  it('by the network is told once', () => {
    const states$ = new Subject<'lost'>()
    const wire = new VirtualWire({}, { faults: { link: () => states$ } })
    wire.serve(echo)
    const { connection, lifetime } = wire.connect()
    const reply = record(connection.call(single('unary', 'never')))

    states$.next('lost')
    wire.advance(0)

    const lost = { code: 'UNAVAILABLE', reason: 'connection_lost', retry: { safe: false } }
    expect([reply.error, lifetime.error]).toMatchObject([lost, lost])
    expect(reply.error?.rawMessage).toBe('connection to memory:server lost: the link broke')
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
  it('lets a long reply leave, however long it takes', () => {
    const wire = new VirtualWire({ closeTimeoutMs: 1000 }, { latencyMs: 500 })
    const { binding } = wire.serve(
      answering({ slow: () => of(messageOf('x'.repeat(8_000_000))).pipe(delay(2000, wire.runtime.scheduler)) }),
    )
    const client = wire.connect()
    wire.advance(2000)
    const call = record(client.connection.call(single('unary', 'slow')))
    wire.advance(1000)

    record(binding.drain())
    wire.advance(60_000)

    expect(call.error).toBeUndefined()
    expect(bodiesOf(call)).toHaveLength(1)
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
