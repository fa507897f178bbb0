import { header, messageOf, RpcError, type Header, type Message } from 'millrace/core'
import type { Lease } from 'millrace/protocol/rsocket'
import { concat, EMPTY, finalize, NEVER, Observable, of, throwError } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { first } from '../support/first.js'
import { u32, type FrameParts } from '../support/raw-frame.js'
import { RawPeer } from '../support/raw-peer.js'
import { record, type Recording } from '../support/recording.js'
import { thrownBy } from '../support/thrown-by.js'
import { answering, bodiesOf, single, streaming, VirtualWire } from '../support/virtual-wire.js'

const echo = answering({ echo: ({ body }: { body: unknown }) => of(messageOf(body)), never: () => NEVER })
const leaseFrame = (ttlMs: number, requests: number): FrameParts => ({
  type: 'LEASE',
  data: Uint8Array.from([...u32(ttlMs), ...u32(requests)]),
})
const throwing = finalize<Message>(() => {
  throw new TypeError('teardown')
})
const ask = (peer: RawPeer, ...ids: number[]): void => {
  for (const id of ids) peer.request('REQUEST_RESPONSE', id, 'echo', { body: id })
}

describe('a server with leases', () => {
  it('sends them to clients that ask (73)', () => {
    const wire = new VirtualWire({ lease: concat(of({ ttlMs: 1000, requests: 5 }), NEVER) })
    wire.serve(echo)

    const peer = wire.rawClient({ flags: 'L' })

    expect(peer.received).toEqual([Uint8Array.from([...u32(0), 0x08, 0x00, ...u32(1000), ...u32(5)])])
  })

  it('admits what comes right behind SETUP', () => {
    const wire = new VirtualWire({ lease: { perSecond: 1 } })
    wire.serve(echo)
    const peer = wire.rawClient('none')

    peer.setup()
    ask(peer, 1, 3)
    wire.advance(0)

    expect(peer.lines()).toEqual(['PAYLOAD 1 NC 1', 'ERROR 3 REJECTED lease_exceeded'])
  })

  it('holds clients that did not ask to the same limit', () => {
    const wire = new VirtualWire({ lease: { perSecond: 2 } })
    wire.serve(echo)
    const { connection } = wire.connect()
    const calls = (): string[] =>
      [1, 2, 3].map(body => {
        const reply = record(connection.call(single('unary', 'echo', body)))
        wire.advance(0)
        return reply.error === undefined ? 'answered' : `${reply.error.reason} ${reply.error.retry.safe}`
      })

    const atFirst = calls()
    wire.advance(1000)

    expect([atFirst, calls()]).toEqual([
      ['answered', 'answered', 'lease_exceeded true'],
      ['answered', 'answered', 'lease_exceeded true'],
    ])
  })

  it('tells a client with leases why its SETUP is rejected', () => {
    const wire = new VirtualWire({ lease: { perSecond: 5 } })
    wire.serve(() => {
      throw new RpcError('PERMISSION_DENIED', 'not you', { reason: 'not_you' })
    })
    const { connection, lifetime } = wire.connect({ honorLease: true })

    const call = record(connection.call(single('unary', 'echo')))
    wire.advance(0)

    expect([lifetime.error?.reason, call.error?.reason]).toEqual(['not_you', 'connection_closed'])
  })

  it('reports a grant that fails, and admits no more', () => {
    const wire = new VirtualWire({ lease: throwError(() => new TypeError('no idea')) })
    wire.serve(echo)
    const peer = wire.rawClient({ flags: 'L' })

    ask(peer, 1)
    wire.advance(0)

    expect(peer.lines()).toEqual(['LEASE 0', 'ERROR 1 REJECTED lease_exceeded'])
    expect(wire.log).toMatchObject([{ level: 'error', event: 'lease.failed' }])
  })

  it.each([
    ['misspelt', { ttlMS: 1000, requests: 9 }],
    ['of text', { ttlMs: '1000', requests: '9' }],
  ])('admits nothing by a lease that is %s', (_, lease) => {
    const wire = new VirtualWire({ lease: concat(of(lease as unknown as Lease), NEVER) })
    wire.serve(echo)
    const peer = wire.rawClient()

    ask(peer, 1)
    wire.advance(0)

    expect(peer.lines()).toEqual(['ERROR 1 REJECTED lease_exceeded'])
    expect(wire.log).toMatchObject([{ event: 'lease.failed', fields: { reason: 'invalid_options' } }])
  })

  it('ends its grants with the connection', () => {
    const wire = new VirtualWire({ lease: { perSecond: 2 } })
    const { listening } = wire.serve(echo)
    const peer = wire.rawClient({ flags: 'L' })

    peer.abort()
    listening.unsubscribe()
    wire.advance(5000)

    expect(wire.pending).toBe(0)
  })
})

describe('a client that honours leases', () => {
  it('asks for them, and gives one without limit', () => {
    const wire = new VirtualWire()
    let frames: RawPeer | undefined
    wire.transport
      .listen('memory:server')
      .subscribe(({ sockets }) => sockets.subscribe(socket => (frames = new RawPeer(socket))))
    wire.advance(0)

    wire.connect({ honorLease: true })

    const [setup, lease] = frames?.received ?? []
    expect((setup?.[5] ?? 0) & 0x40).toBe(0x40)
    expect(lease).toEqual(Uint8Array.from([...u32(0), 0x08, 0x00, ...u32(0x7fff_ffff), ...u32(0x7fff_ffff)]))
  })

  it('lets requests wait for the first (73)', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer({ honorLease: true })
    peer.lines()
    const calls = [1, 2, 3].map(body => record(connection.call(single('unary', 'echo', body))))
    wire.advance(0)
    const before = peer.lines()

    peer.send(leaseFrame(1000, 2))
    wire.advance(0)

    expect(before).toEqual([])
    expect(peer.lines()).toEqual(['REQUEST_RESPONSE 1 1', 'REQUEST_RESPONSE 3 2'])
    expect(calls[2]?.error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'no_lease', retry: { safe: true } })
  })

  it('makes none beyond number and time (73)', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer({ honorLease: true })
    peer.send(leaseFrame(100, 2))
    wire.advance(0)
    peer.lines()
    const call = (): string | undefined => record(connection.call(single('unary', 'never'))).error?.reason

    const early = [call()]
    wire.advance(100)
    const late = [call()]
    peer.send(leaseFrame(100, 1))
    wire.advance(0)

    expect([early, late, [call(), call()]]).toEqual([[undefined], ['no_lease'], [undefined, 'no_lease']])
  })

  it('forgets a request that was cancelled while it waited', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer({ honorLease: true })
    peer.lines()
    const call = record(connection.call(single('unary', 'echo')))

    call.subscription.unsubscribe()
    peer.send(leaseFrame(1000, 2))
    wire.advance(0)

    expect(peer.lines()).toEqual([])
  })

  it('lets at most 256 requests wait', () => {
    const wire = new VirtualWire()
    const { connection } = wire.rawServer({ honorLease: true })

    const calls = Array.from({ length: 257 }, () => record(connection.call(single('unary', 'echo'))))

    expect(calls.map(({ error }) => error?.reason).filter(Boolean)).toEqual(['no_lease'])
  })

  it.each([
    ['never comes', NEVER, 10_000],
    ['is not granted', EMPTY, 0],
    ['fails', throwError(() => new TypeError('no idea')), 0],
  ])('does not wait for a first lease that %s', (_, lease, waitMs) => {
    const wire = new VirtualWire()
    wire.serve(echo, { lease })
    const { connection } = wire.connect({ honorLease: true })

    const call = record(connection.call(single('unary', 'echo')))
    wire.advance(waitMs)

    expect(call.error).toMatchObject({ reason: 'no_lease', retry: { safe: true } })
  })

  it('fails what waits when the connection ends', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer({ honorLease: true })
    const call = record(connection.call(single('unary', 'echo')))

    peer.close()
    wire.advance(0)

    expect(call.error).toMatchObject({ code: 'UNAVAILABLE', reason: 'connection_lost', retry: { safe: true } })
  })

  it('fails what waits with the reason of a refusal', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer({ honorLease: true })
    const call = record(connection.call(single('unary', 'echo')))

    peer.send({ type: 'ERROR', word: 0x003, data: 'not you' })
    wire.advance(0)

    expect(call.error).toMatchObject({ code: 'PERMISSION_DENIED', rawMessage: 'not you', retry: { safe: true } })
  })

  it('cancels a request that is unsubscribed while it is made', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer({ honorLease: true })
    peer.lines()
    const requests = new Observable<unknown>(() => made.subscription.unsubscribe())
    const made: Recording<Message> = record(connection.call(streaming('duplex', 'both', requests)))

    peer.send(leaseFrame(1000, 2))
    wire.advance(0)

    expect(peer.lines()).toEqual(['REQUEST_CHANNEL 1 n=256', 'CANCEL 1'])
    expect(connection.running).toBe(0)
  })

  it('fails all that wait, though a teardown throws', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer({ honorLease: true })
    record(connection.call(single('unary', 'echo')).pipe(throwing))
    const second = record(connection.call(single('unary', 'echo')))

    peer.close()
    wire.advance(0)

    expect(second.error).toMatchObject({ reason: 'connection_lost' })
  })

  it('refuses all that wait, though a teardown throws', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer({ honorLease: true })
    record(connection.call(single('unary', 'echo')).pipe(throwing))
    const second = record(connection.call(single('unary', 'echo')))

    peer.send(leaseFrame(1000, 0))
    wire.advance(0)

    expect(second.error).toMatchObject({ reason: 'no_lease' })
  })

  it('makes no request that waited once the connection drains', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer({ honorLease: true })
    peer.lines()
    const call = record(connection.call(single('unary', 'echo')))

    connection.drain()
    peer.send(leaseFrame(1000, 2))
    wire.advance(0)

    expect(peer.lines().filter(line => line.startsWith('REQUEST'))).toEqual([])
    expect(call.error).toMatchObject({ reason: 'connection_draining', retry: { safe: true } })
  })

  it('is refused by a server without leases (23)', () => {
    const wire = new VirtualWire()
    wire.serve(echo)
    const { connection, lifetime } = wire.connect({ honorLease: true })

    const call = record(connection.call(single('unary', 'echo')))
    wire.advance(0)

    expect([lifetime.error, call.error]).toMatchObject([
      { reason: 'lease_unsupported' },
      { reason: 'connection_closed' },
    ])
  })

  it('is answered by a server with leases', () => {
    const wire = new VirtualWire()
    wire.serve(echo, { lease: { perSecond: 10 } })
    const { connection } = wire.connect({ honorLease: true })

    const reply = record(connection.call(single('unary', 'echo', 'a')))
    wire.advance(0)

    expect(bodiesOf(reply)).toEqual(['a'])
  })
})

describe('metadataPush', () => {
  it('that does not read is dropped', () => {
    const wire = new VirtualWire()
    wire.serve(echo)
    const peer = wire.rawClient()
    const pushes = record(first(wire.accepted).pushes)

    peer.send({ type: 'METADATA_PUSH', flags: 'M', data: 'nonsense' })
    peer.send({ type: 'METADATA_PUSH', id: 1, flags: 'M', data: Uint8Array.of(0) })
    peer.send({ type: 'METADATA_PUSH', flags: 'M', data: Uint8Array.of(0) })
    wire.advance(0)

    expect(pushes.values).toEqual([{}])
    expect(peer.ending).toBe('open')
  })

  it.each([
    ['a name that is none', { 'not a name': 'a' }],
    ['a value that is no text', { count: 1 }],
    ['too much', { large: 'x'.repeat(9000) }],
  ])('refuses a header with %s', (_, entries) => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer()

    const refusal = thrownBy(() => connection.metadataPush(entries as unknown as Header))
    wire.advance(0)

    expect(refusal).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_header' })
    expect(peer.received).toEqual([])
  })

  it('sends names in lower case', () => {
    const wire = new VirtualWire()
    wire.serve(echo)
    const { connection } = wire.connect()
    const pushes = record(first(wire.accepted).pushes)

    connection.metadataPush({ From: 'client' })
    wire.advance(0)

    expect(pushes.values).toEqual([{ from: 'client' }])
  })

  it('completes with the connection', () => {
    const wire = new VirtualWire()
    wire.serve(echo)
    const { connection, lifetime } = wire.connect()
    const pushes = record(connection.pushes)

    lifetime.subscription.unsubscribe()

    expect(pushes.completed).toBe(true)
    expect(() => connection.metadataPush(header({}))).not.toThrow()
  })
})
