import { messageOf, RpcError, silentLog } from 'millrace/core'
import type { Call } from 'millrace/protocol'
import { rsocket } from 'millrace/protocol/rsocket'
import { memoryTransport, type Transport } from 'millrace/transport'
import { NEVER, of } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { SetupParts } from '../support/raw-peer.js'
import { record } from '../support/recording.js'
import { thrownBy } from '../support/thrown-by.js'
import { answering, single, VirtualWire } from '../support/virtual-wire.js'

const echo = answering({ echo: ({ body }: { body: unknown }) => of(messageOf(body)) })

describe('SETUP', () => {
  it('is answered by nothing', () => {
    const wire = new VirtualWire()
    wire.serve(echo)

    const peer = wire.rawClient()
    wire.advance(1000)

    expect(peer.lines()).toEqual([])
    expect(peer.ending).toBe('open')
  })
})

const refusals: { readonly [what: string]: readonly [SetupParts, string] } = {
  'metadata longer than the frame': [{ metadata: Uint8Array.of(0), cut: 1 }, 'INVALID_SETUP invalid_setup'],
  'metadata without its length': [{ flags: 'M' }, 'INVALID_SETUP invalid_setup'],
  'metadata that is no header': [{ metadata: Uint8Array.of(9) }, 'INVALID_SETUP invalid_setup'],
  'another metadata type': [{ metadataType: 'message/x.rsocket.routing.v0' }, 'UNSUPPORTED_SETUP unsupported_setup'],
  'another data type': [{ dataType: 'application/msgpack' }, 'UNSUPPORTED_SETUP unsupported_setup'],
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

describe('rsocket', () => {
  it.each([
    ['the factory of a transport', memoryTransport, 'call it'],
    ['no transport', {}, 'name, dial, listen'],
    ['nothing', undefined, 'name, dial, listen'],
  ])('refuses %s', (_, transport, told) => {
    const error = thrownBy(() => rsocket(transport as unknown as Transport))

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_options' })
    expect(error.message).toContain(told)
  })
})
