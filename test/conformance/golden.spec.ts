import { bytes } from 'millrace/codec'
import { messageOf } from 'millrace/core'
import type { SingleCall } from 'millrace/protocol'
import { paced } from 'millrace/streams'
import { NEVER, Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { NONE } from '../../src/protocol/rsocket/frame.js'
import { readResume, resumeFrame, resumeOkFrame } from '../../src/protocol/rsocket/resume/resume-frame.js'
import { readSetup, setupBody } from '../../src/protocol/rsocket/setup.js'
import {
  flagBits,
  frameBytes,
  fromHex,
  joined,
  types,
  u24,
  type FrameParts,
  type TypeName,
} from '../support/raw-frame.js'
import { setupFrame } from '../support/raw-peer.js'
import { sending } from '../support/sending.js'
import { record } from '../support/recording.js'
import { answering, bodiesOf, single, streaming, VirtualWire, type RawServer } from '../support/virtual-wire.js'
import { bytesAs } from './bytes-as.js'
import { goldenFrames, goldenFullSetup, goldenResume, goldenSetup } from './golden-vectors.js'

const utf8 = new TextEncoder()

/** A frame without the length that TCP puts before it. */
const frameIn = (hex: string): Uint8Array => fromHex(hex).subarray(3)
const golden = (what: string): Uint8Array => frameIn(goldenFrames[what]?.[0] ?? '')

/** What a sender of the engine writes. */
function sent({ type, id = 0, flags = '', word = NONE, metadata, data }: FrameParts): Uint8Array[] {
  const { sender, frames } = sending()
  const bits = Array.from(flags).reduce((all, letter) => all | flagBits[letter as keyof typeof flagBits], 0)
  const body = typeof data === 'string' ? utf8.encode(data) : data
  sender.send(id, types[type as TypeName], bits, word, metadata, body)
  return frames()
}

describe('a frame that is sent', () => {
  it.each(Object.entries(goldenFrames))('is the golden %s', (_, [hex, parts]) => {
    const frames = sent(parts)

    expect(frames.map(frame => joined(u24(frame.length), frame))).toEqual([fromHex(hex)])
  })

  it('is the golden SETUP with everything in it', () => {
    const body = setupBody({
      keepAliveMs: 500,
      maxLifetimeMs: 1500,
      lease: true,
      token: utf8.encode('tok'),
      metadataType: 'm',
      dataType: 'd',
      metadata: utf8.encode('x'),
      data: utf8.encode('y'),
    })

    expect(sent({ type: 'SETUP', flags: 'RLM', data: body })).toEqual([frameIn(goldenFullSetup)])
  })

  it('is the golden RESUME, and RESUME_OK', () => {
    const resume = resumeFrame({ token: utf8.encode('tok'), serverPosition: 10, clientPosition: 20 })

    expect([resume, resumeOkFrame(15)]).toEqual([frameIn(goldenResume), golden('RESUME_OK at 15')])
  })
})

describe('a frame written by hand', () => {
  it.each(Object.entries(goldenFrames))('is the golden %s', (_, [hex, parts]) => {
    expect(frameBytes(parts)).toEqual(frameIn(hex))
  })

  it('is the golden SETUP', () => {
    const setup = setupFrame({
      keepAliveMs: 500,
      maxLifetimeMs: 1500,
      metadataType: 'message/x.rsocket.composite-metadata.v0',
      dataType: 'text/plain',
    })

    expect(setup).toEqual(frameIn(goldenSetup))
  })
})

/** A client of bytes and the peer that sends it golden frames, with calls on the streams 1, 3, 5 and 7. */
function client(): RawServer & { readonly wire: VirtualWire; readonly calls: ReturnType<typeof record>[] } {
  const wire = new VirtualWire({ codec: bytes() })
  const server = wire.rawServer()
  const data = Uint8Array.of(1)
  const calls = [
    single('unary', 'a', data),
    single('tell', 'a', data),
    single('serverStream', 'a', data),
    streaming('duplex', 'a', NEVER),
  ].map(call => record(server.connection.call(call)))
  wire.advance(0)
  server.peer.lines()
  return { ...server, wire, calls }
}

const textOf = (value: unknown): string => new TextDecoder().decode(value as Uint8Array)

describe('a golden frame that arrives', () => {
  it('opens a connection: SETUP', () => {
    const wire = new VirtualWire({ codec: bytesAs('text/plain') })
    wire.serve(answering({}))
    const peer = wire.rawClient('none')

    peer.send(frameIn(goldenSetup))
    wire.advance(0)

    expect([wire.accepted.length, peer.ending, peer.lines()]).toEqual([1, 'open', []])
  })

  it('is read field by field: SETUP', () => {
    const frame = frameIn(goldenFullSetup)

    const { token, metadata, data, ...rest } = readSetup(frame, 0, frame.length, flagBits.R | flagBits.L | flagBits.M)

    expect(rest).toEqual({ keepAliveMs: 500, maxLifetimeMs: 1500, lease: true, metadataType: 'm', dataType: 'd' })
    expect([token, metadata, data].map(textOf)).toEqual(['tok', 'x', 'y'])
  })

  it('is read field by field: RESUME', () => {
    const frame = frameIn(goldenResume)

    const { token, serverPosition, clientPosition } = readResume(frame, 0, frame.length)

    expect([textOf(token), serverPosition, clientPosition]).toEqual(['tok', 10, 20])
  })

  it('lets five requests through: LEASE', () => {
    const wire = new VirtualWire({ honorLease: true })
    const { connection, peer } = wire.rawServer()

    peer.send(golden('LEASE for 1000 ms and 5 requests'))
    wire.advance(999)
    const calls = Array.from({ length: 6 }, () => record(connection.call(single('unary', 'a', 1))))
    wire.advance(0)

    expect(calls.map(({ error }) => error?.reason)).toEqual([...Array.from({ length: 5 }, () => undefined), 'no_lease'])
  })

  it('is answered: KEEPALIVE', () => {
    const { peer, wire } = client()

    peer.send(golden('KEEPALIVE that asks'))
    wire.advance(0)

    expect(peer.received).toEqual([frameBytes({ type: 'KEEPALIVE', data: `${'\0'.repeat(8)}ka` })])
  })

  it('is a request without a route: REQUEST_*', () => {
    const wire = new VirtualWire()
    wire.serve(answering({}))
    const peer = wire.rawClient()

    for (const what of [
      'REQUEST_RESPONSE',
      'REQUEST_RESPONSE with metadata',
      'REQUEST_FNF',
      'REQUEST_STREAM',
      'REQUEST_CHANNEL that completes',
    ]) {
      peer.send(golden(what))
    }
    wire.advance(0)

    expect(peer.lines()).toEqual([1, 1, 5, 7].map(id => `ERROR ${id} INVALID invalid_metadata`))
    expect(peer.ending).toBe('open')
  })

  it('is credit, then an end: REQUEST_N, CANCEL', () => {
    const wire = new VirtualWire()
    const items$ = new Subject<never>()
    const numbers = Array.from({ length: 300 }, (_, index) => messageOf(index))
    wire.serve(answering({ numbers: ({ body }: SingleCall) => (body === 0 ? items$ : paced(numbers)) }))
    const [granted, cancelled] = [wire.rawClient(), wire.rawClient()]
    granted.request('REQUEST_STREAM', 5, 'numbers', { n: 1, body: 1 })
    cancelled.request('REQUEST_STREAM', 5, 'numbers', { n: 1, body: 0 })
    wire.advance(0)

    granted.send(golden('REQUEST_N'))
    cancelled.send(golden('CANCEL'))
    wire.advance(0)

    expect([granted.lines().length, items$.observed]).toEqual([193, false])
  })

  it('is an item or an end: PAYLOAD', () => {
    const { peer, calls, wire } = client()

    peer.send(golden('PAYLOAD, fragment'))
    peer.send(golden('PAYLOAD, last item'))
    peer.send(golden('PAYLOAD, empty item'))
    peer.send(golden('PAYLOAD, end'))
    wire.advance(0)

    const [unary, , stream] = calls
    expect([bodiesOf(unary as never).map(textOf), unary?.completed]).toEqual([['abok'], true])
    expect([bodiesOf(stream as never).map(textOf), stream?.completed]).toEqual([[''], true])
  })

  it('fails a call, or the connection: ERROR', () => {
    const { peer, calls, wire } = client()
    const refused = client()

    peer.send(golden('ERROR'))
    wire.advance(0)
    refused.peer.send(golden('ERROR of the connection'))
    refused.wire.advance(0)

    expect(calls[0]?.error).toMatchObject({ rawMessage: 'boom', details: { rsocketCode: 0x201 } })
    expect(refused.lifetime.error).toMatchObject({ rawMessage: 'bad', details: { rsocketCode: 1 } })
  })

  it('is no header, and harms nobody: METADATA_PUSH', () => {
    const { peer, connection, wire } = client()
    const pushes = record(connection.pushes)

    peer.send(golden('METADATA_PUSH'))
    wire.advance(0)

    expect([pushes.values, peer.ending]).toEqual([[], 'open'])
  })
})
