import { messageOf, RpcError, silentLog } from 'millrace/core'
import type { Call } from 'millrace/protocol'
import { rsocket } from 'millrace/protocol/rsocket'
import { memoryTransport } from 'millrace/transport'
import { NEVER, of } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { setupFrame, type SetupParts } from '../support/raw-peer.js'
import { record } from '../support/recording.js'
import { thrownBy } from '../support/thrown-by.js'
import { answering, single, VirtualWire } from '../support/virtual-wire.js'

const echo = answering({ echo: ({ body }: { body: unknown }) => of(messageOf(body)) })

describe('SETUP', () => {
  it('is the first frame of a client', () => {
    const wire = new VirtualWire({ keepAliveMs: 500, maxLifetimeMs: 1500 })
    let first: Uint8Array | undefined
    wire.transport
      .listen('memory:server')
      .subscribe(({ sockets }) =>
        sockets.subscribe(({ inbound }) =>
          inbound.subscribe(({ bytes, start, end }) => (first = bytes.slice(start, end))),
        ),
      )
    wire.advance(0)

    wire.connect()

    expect(first).toEqual(setupFrame({ keepAliveMs: 500, maxLifetimeMs: 1500, metadata: Uint8Array.of(0) }))
  })

  it('carries attributes of the client to the server', () => {
    const wire = new VirtualWire()
    wire.serve(echo)

    wire.connect({ attributes: { zone: 'eu', 'client-id': '7' } })

    expect({ ...wire.accepted[0]?.attributes }).toEqual({ zone: 'eu', 'client-id': '7' })
  })

  it('may be followed by requests at once', () => {
    const wire = new VirtualWire()
    wire.serve(echo)
    const peer = wire.rawClient('none')

    peer.setup()
    peer.request('REQUEST_RESPONSE', 1, 'echo', { body: 'a' })
    peer.request('REQUEST_RESPONSE', 3, 'echo', { body: 'b' })
    wire.advance(0)

    expect(peer.lines()).toEqual(['PAYLOAD 1 NC "a"', 'PAYLOAD 3 NC "b"'])
  })

  it('is answered by nothing', () => {
    const wire = new VirtualWire()
    wire.serve(echo)

    const peer = wire.rawClient()
    wire.advance(1000)

    expect(peer.lines()).toEqual([])
    expect(peer.ending).toBe('open')
  })

  it('is ignored when it comes again', () => {
    const wire = new VirtualWire()
    wire.serve(echo)
    const peer = wire.rawClient()

    peer.setup({ dataType: 'text/plain' })
    peer.request('REQUEST_RESPONSE', 1, 'echo', { body: 'a' })
    wire.advance(0)

    expect(peer.lines()).toEqual(['PAYLOAD 1 NC "a"'])
  })

  it('is ignored by a client', () => {
    const wire = new VirtualWire()
    const { peer, connection, lifetime } = wire.rawServer()
    const reply = record(connection.call(single('unary', 'echo', 'a')))

    peer.setup()
    peer.item(1, 'b', 'NC')
    wire.advance(0)

    expect(reply.values).toEqual([messageOf('b')])
    expect(lifetime.error).toBeUndefined()
  })
})

const refusals: { readonly [what: string]: readonly [SetupParts, string] } = {
  'another version': [{ version: 0x1_0001 }, 'INVALID_SETUP invalid_setup'],
  'a keepalive time of 0': [{ keepAliveMs: 0 }, 'INVALID_SETUP invalid_setup'],
  'a lifetime of 0': [{ maxLifetimeMs: 0 }, 'INVALID_SETUP invalid_setup'],
  'a lifetime above 31 bits': [{ maxLifetimeMs: 0x8000_0000 }, 'INVALID_SETUP invalid_setup'],
  'an end within a MIME type': [{ cut: 5 }, 'INVALID_SETUP invalid_setup'],
  'an end before the MIME types': [{ cut: 60 }, 'INVALID_SETUP invalid_setup'],
  'metadata longer than the frame': [{ metadata: Uint8Array.of(0), cut: 1 }, 'INVALID_SETUP invalid_setup'],
  'metadata without its length': [{ flags: 'M' }, 'INVALID_SETUP invalid_setup'],
  'metadata that is no header': [{ metadata: Uint8Array.of(9) }, 'INVALID_SETUP invalid_setup'],
  'a stream id': [{ id: 1 }, 'INVALID_SETUP invalid_setup'],
  'another metadata type': [{ metadataType: 'message/x.rsocket.routing.v0' }, 'UNSUPPORTED_SETUP unsupported_setup'],
  'another data type': [{ dataType: 'application/msgpack' }, 'UNSUPPORTED_SETUP unsupported_setup'],
  'leases asked for': [{ flags: 'L' }, 'UNSUPPORTED_SETUP lease_unsupported'],
  'resumption asked for': [{ flags: 'R', token: 'tok' }, 'REJECTED_SETUP resume_unsupported'],
}

describe('a SETUP that is refused', () => {
  it.each(Object.entries(refusals))('for %s', (_, [parts, refusal]) => {
    const wire = new VirtualWire()
    const called: unknown[] = []
    wire.serve({ call: (call: Call) => (called.push(call), NEVER) })
    const peer = wire.rawClient('none')

    peer.setup(parts)
    peer.request('REQUEST_RESPONSE', 1, 'echo')
    wire.advance(0)

    expect(peer.lines()).toEqual([`ERROR 0 ${refusal}`])
    expect(peer.ending).toBe('closed')
    expect(called).toEqual([])
    expect(wire.log).toMatchObject([{ event: 'connection.failed', fields: { reason: refusal.split(' ')[1] } }])
  })

  it('for a MIME type of 255 bytes names it', () => {
    const wire = new VirtualWire()
    wire.serve(echo)
    const dataType = 'x'.repeat(255)

    const peer = wire.rawClient({ dataType })

    expect(new TextDecoder().decode(peer.received[0])).toContain(dataType)
  })

  it('by the service says why', () => {
    const wire = new VirtualWire()
    wire.serve(() => {
      throw new RpcError('PERMISSION_DENIED', 'no such tenant', { reason: 'unknown_tenant' })
    })

    const peer = wire.rawClient()

    expect(peer.lines()).toEqual(['ERROR 0 REJECTED_SETUP unknown_tenant'])
    expect(peer.ending).toBe('closed')
  })

  it('fails every call made on the connection', () => {
    const wire = new VirtualWire({}, { latencyMs: 1 })
    wire.serve(() => {
      throw new RpcError('PERMISSION_DENIED', 'no such tenant', { reason: 'unknown_tenant' })
    })
    const connected = wire.connect()
    wire.advance(2)
    const { connection, lifetime } = connected
    const calls = [
      record(connection.call(single('unary', 'echo', 1))),
      record(connection.call(single('serverStream', 'echo', 1))),
    ]

    wire.advance(2)

    for (const { error } of [...calls, lifetime]) {
      expect(error).toMatchObject({ code: 'PERMISSION_DENIED', reason: 'unknown_tenant' })
    }
  })

  it('with a text of a foreign server fails calls', () => {
    const wire = new VirtualWire()
    const { peer, connection } = wire.rawServer()
    const call = record(connection.call(single('unary', 'echo', 1)))

    peer.send({ type: 'ERROR', word: 2, data: 'nope' })
    wire.advance(0)

    expect(call.error).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'rsocket_error', rawMessage: 'nope' })
  })

  it('after the connection was established is ignored', () => {
    const wire = new VirtualWire()
    const { peer, connection, lifetime } = wire.rawServer()
    const replies = record(connection.call(single('serverStream', 'echo', 1)))

    peer.item(1, 'a')
    peer.send({ type: 'ERROR', word: 2, data: 'nope' })
    peer.item(1, 'b', 'NC')
    wire.advance(0)

    expect(replies).toMatchObject({ completed: true, values: [messageOf('a'), messageOf('b')] })
    expect(lifetime.error).toBeUndefined()
  })

  it('by a client means nothing to a server', () => {
    const wire = new VirtualWire()
    wire.serve(echo)
    const peer = wire.rawClient()

    for (const word of [1, 2, 3, 4]) peer.send({ type: 'ERROR', word, data: 'nope' })
    peer.request('REQUEST_RESPONSE', 1, 'echo', { body: 'a' })
    wire.advance(0)

    expect(peer.lines()).toEqual(['PAYLOAD 1 NC "a"'])
  })
})

describe('the first frame', () => {
  it.each(['REQUEST_RESPONSE', 'KEEPALIVE', 'RESUME', 'PAYLOAD'] as const)('must not be %s', type => {
    const wire = new VirtualWire()
    wire.serve(echo)
    const peer = wire.rawClient('none')

    peer.send({ type, id: type === 'KEEPALIVE' ? 0 : 1, data: '12345678' })
    wire.advance(0)

    expect(peer.lines()).toEqual(['ERROR 0 INVALID_SETUP invalid_setup'])
    expect(peer.ending).toBe('closed')
  })

  it('must come in time', () => {
    const wire = new VirtualWire({ setupTimeoutMs: 300 })
    wire.serve(echo)
    const peer = wire.rawClient('none')

    wire.advance(299)
    const before = peer.ending
    wire.advance(1)

    expect([before, peer.ending]).toEqual(['open', 'closed'])
    expect(peer.lines()).toEqual(['ERROR 0 INVALID_SETUP setup_timeout'])
  })
})

describe('rsocket', () => {
  it('refuses a time that no timer counts', () => {
    const options = { setupTimeoutMs: Infinity, closeTimeoutMs: 2 ** 31, keepAliveMs: 0 }

    const { details } = thrownBy(() => rsocket(memoryTransport(), options))

    expect(details).toMatchObject([
      expect.stringContaining('keepAliveMs'),
      expect.stringContaining('setupTimeoutMs'),
      expect.stringContaining('closeTimeoutMs'),
    ])
  })

  it('refuses a lifetime that ends before a keepalive', () => {
    const options = { keepAliveMs: 5000, maxLifetimeMs: 5000, log: silentLog }

    const error = thrownBy(() => rsocket(memoryTransport(), options))

    expect(error).toMatchObject({ reason: 'invalid_options', rawMessage: expect.stringContaining('keepAliveMs') })
  })

  it('keeps alive often enough for a short lifetime', () => {
    const wire = new VirtualWire()
    wire.serve(echo)
    const { lifetime } = wire.connect({ maxLifetimeMs: 900 })

    wire.advance(5000)

    expect(lifetime.error).toBeUndefined()
  })

  it('fails to connect when the transport does', () => {
    const wire = new VirtualWire()

    const { lifetime } = wire.connect()

    expect(lifetime.error).toMatchObject({ code: 'UNAVAILABLE', reason: 'connect_failed', retry: { safe: true } })
  })

  it('fails to listen when the transport does', () => {
    const wire = new VirtualWire()
    wire.serve(echo)

    const binding = record(rsocket(wire.transport).listen('memory:server', () => echo))
    wire.advance(0)

    expect(binding.error).toMatchObject({ reason: 'listen_failed' })
  })
})
