import fc from 'fast-check'
import { bytes as bytesCodec, json } from 'millrace/codec'
import { msgpack } from 'millrace/codec/msgpack'
import { header, messageOf, RpcError, type Header, type Message } from 'millrace/core'
import type { Call, Route, SingleCall, StreamingCall } from 'millrace/protocol'
import { COMPOSITE_METADATA, compositeMetadata } from 'millrace/protocol/rsocket'
import { paced } from 'millrace/streams'
import { finalize, from, map, NEVER, of, Subject, throwError, toArray } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { authenticationOf, readAuthorization } from '../../src/protocol/rsocket/composite/authentication.js'
import { readEntries } from '../../src/protocol/rsocket/composite/entries.js'
import { readAcceptTypes, readStreamType } from '../../src/protocol/rsocket/composite/stream-types.js'
import { first } from '../support/first.js'
import { fromHex, joined, readFrame, u24, type FrameParts } from '../support/raw-frame.js'
import type { RawPeer } from '../support/raw-peer.js'
import { record } from '../support/recording.js'
import { thrownBy } from '../support/thrown-by.js'
import { answering, bodiesOf, single, streaming, VirtualWire } from '../support/virtual-wire.js'

const seed = 11
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)
const route: Route = { contract: 'a', version: '', endpoint: 'b' }

/** An entry by hand: a number of a MIME type, or its name. */
function entry(type: number | string, content: Uint8Array): Uint8Array {
  const head = typeof type === 'number' ? [0x80 | type] : [type.length - 1, ...ascii(type)]
  return joined(head, u24(content.length), content)
}

const routing = (...tags: string[]): Uint8Array =>
  entry(0x7e, joined(...tags.map(tag => [ascii(tag).length, ...ascii(tag)])))

describe('golden vectors', () => {
  it('of a route', () => {
    expect(compositeMetadata().open().writeRequest(route, undefined, header({}), true, false)).toEqual(
      fromHex('fe00000403612e62'),
    )
  })

  it('of entries', () => {
    const entries: [string, string][] = []

    const bytes = fromHex('fe00000403612e62 02782f79 0000017a')
    readEntries(bytes, 0, bytes.length, (type, source, start, end) =>
      entries.push([type, new TextDecoder().decode(source.subarray(start, end))]),
    )

    expect(entries).toEqual([
      ['message/x.rsocket.routing.v0', '\u0003a.b'],
      ['x/y', 'z'],
    ])
  })

  it.each([
    ['Bearer t', '8174'],
    ['Basic dTpw', '8000017570'],
  ])('of authentication, %s', (authorization, hex) => {
    const bytes = fromHex(hex)

    expect(authenticationOf(authorization)).toEqual(bytes)
    expect(readAuthorization(bytes, 0, bytes.length)).toBe(authorization)
  })

  it('of MIME types of streams', () => {
    const bytes = fromHex('85 02782f79')

    expect([readStreamType(bytes, 0, 1), readAcceptTypes(bytes, 0, 5)]).toEqual([
      'application/json',
      ['application/json', 'x/y'],
    ])
  })
})

describe('compositeMetadata', () => {
  const names = fc.stringMatching(/^[a-z][a-z0-9]{0,9}$/)
  const requests = fc.record({
    route: fc.record({ contract: names, version: fc.constant(''), endpoint: names }),
    remainingMs: fc.option(fc.nat(0xffff_ffff), { nil: undefined }),
    header: fc.dictionary(names, fc.string({ unit: 'binary', maxLength: 60 }), { maxKeys: 9 }).map(header),
    authorization: fc.constantFrom(undefined, 'Bearer abc', 'Basic dTpw', 'Digest x', 'nonsense'),
    hasBody: fc.boolean(),
    oneReply: fc.boolean(),
  })

  it('is read as it was written', () => {
    const property = fc.property(requests, ({ authorization, ...request }) => {
      const metadata = compositeMetadata().open()
      const sent: Header = header({ ...request.header, authorization })

      const bytes = metadata.writeRequest(request.route, request.remainingMs, sent, request.hasBody, request.oneReply)
      const read = metadata.readRequest(joined([1], bytes, [2]), 1, 1 + bytes.length)

      expect({ ...read.header }).toEqual({ ...sent })
      expect(read).toMatchObject({ route: request.route, remainingMs: request.remainingMs, hasBody: request.hasBody })
      expect(read.oneReply ?? false).toBe(request.oneReply)
      expect({ ...metadata.readHeader(metadata.writeHeader(sent), 0, metadata.writeHeader(sent).length) }).toEqual({
        ...sent,
      })
    })

    fc.assert(property, { seed, numRuns: 200 })
  })

  it('reads any bytes, or says what is wrong', () => {
    const plausible = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc
        .array(
          fc.tuple(
            fc.constantFrom(0x7a, 0x7b, 0x7c, 0x7e, 5, 'x/y', 'application/vnd.millrace.call.v1'),
            fc.uint8Array({ maxLength: 20 }),
          ),
          { maxLength: 5 },
        )
        .map(entries => joined(...entries.map(([type, content]) => entry(type, content)))),
    )
    const property = fc.property(plausible, bytes => {
      const metadata = compositeMetadata().open()
      for (const read of ['readRequest', 'readItem', 'readHeader'] as const) {
        try {
          metadata[read](bytes, 0, bytes.length)
        } catch (error) {
          expect(RpcError.is(error) && ['invalid_metadata', 'unknown_route'].includes(error.reason)).toBe(true)
        }
      }
    })

    fc.assert(property, { seed, numRuns: 2000 })
  })

  it('refuses too many entries', () => {
    const bytes = joined(...Array.from({ length: 65 }, () => entry(5, new Uint8Array(0))))

    expect(thrownBy(() => compositeMetadata().open().readItem(bytes, 0, bytes.length))).toMatchObject({
      reason: 'invalid_metadata',
    })
  })

  it.each([0x7c, 'application/vnd.millrace.call.v1'])('refuses two entries of %s', type => {
    const one = entry(type, type === 0x7c ? fromHex('8174') : Uint8Array.of(0))
    const bytes = joined(routing('a.b'), one, one)

    expect(thrownBy(() => compositeMetadata().open().readRequest(bytes, 0, bytes.length)).reason).toBe(
      'invalid_metadata',
    )
  })

  it('never shows a password', () => {
    const bytes = joined([0x80, 0, 3], ascii('a:bsecret'))

    const error = thrownBy(() => readAuthorization(bytes, 0, bytes.length))

    expect(String(error)).not.toContain('secret')
    expect(error).toMatchObject({ reason: 'invalid_metadata' })
  })
})

const calls: Call[] = []
const handlers = answering({
  echo: (call: SingleCall) => (calls.push(call), of(messageOf(call.body))),
  none: () => of(messageOf(undefined)),
  three: () => from([1, 2, 3].map(messageOf)),
  asked: () => paced([1, 2].map(messageOf)),
  both: (call: StreamingCall) => (calls.push(call), call.messages),
  all: ({ messages }: StreamingCall) =>
    messages.pipe(
      toArray(),
      map(all => messageOf(all.map(({ body }) => body))),
    ),
  late: () => NEVER,
})

function foreign(
  options: ConstructorParameters<typeof VirtualWire>[0] = {},
  dataType = 'application/json',
): [VirtualWire, RawPeer] {
  calls.length = 0
  const wire = new VirtualWire(options)
  wire.serve(handlers)
  return [wire, wire.rawClient({ metadataType: COMPOSITE_METADATA, dataType })]
}

const request = (
  type: FrameParts['type'],
  endpoint: string,
  data: FrameParts['data'] = '"a"',
  more: Partial<FrameParts> = {},
): FrameParts => ({
  type,
  id: 1,
  metadata: routing(`test.${endpoint}`),
  data,
  ...more,
})

describe('a foreign client', () => {
  it('calls an endpoint by its route', () => {
    const [wire, peer] = foreign()

    peer.send(request('REQUEST_RESPONSE', 'echo'))
    peer.send(request('REQUEST_STREAM', 'three', '', { id: 3, word: 9 }))
    peer.send(request('REQUEST_FNF', 'echo', '"told"', { id: 5 }))
    wire.advance(0)

    expect(peer.lines()).toEqual(['PAYLOAD 1 NC "a"', 'PAYLOAD 3 N 1', 'PAYLOAD 3 N 2', 'PAYLOAD 3 N 3', 'PAYLOAD 3 C'])
    expect(calls.map(call => 'body' in call && call.body)).toEqual(['a', 'told'])
  })

  it('hears the end of exactly what it asked for', () => {
    const [wire, peer] = foreign()

    peer.send(request('REQUEST_STREAM', 'asked', '', { word: 2 }))
    wire.advance(0)

    expect(peer.lines()).toEqual(['PAYLOAD 1 N 1', 'PAYLOAD 1 N 2', 'PAYLOAD 1 C'])
  })

  it('opens a channel with its first request', () => {
    const [wire, peer] = foreign()

    peer.send(request('REQUEST_CHANNEL', 'both', '1', { word: 9 }))
    peer.send({ type: 'PAYLOAD', id: 1, flags: 'N', data: '2' })
    peer.send({ type: 'PAYLOAD', id: 1, flags: 'C' })
    wire.advance(0)

    expect(peer.lines()).toEqual(['REQUEST_N 1 n=256', 'PAYLOAD 1 N 1', 'PAYLOAD 1 N 2', 'PAYLOAD 1 C'])
  })

  it('may have one request only (60)', () => {
    const [wire, peer] = foreign()

    peer.send(request('REQUEST_CHANNEL', 'both', '1', { word: 9, flags: 'C' }))
    wire.advance(0)

    expect(peer.lines()).toEqual(['PAYLOAD 1 N 1', 'PAYLOAD 1 C'])
  })

  it('says nothing when there is no body', () => {
    const [wire, peer] = foreign()

    peer.send(request('REQUEST_RESPONSE', 'echo', ''))
    peer.send(request('REQUEST_RESPONSE', 'none', '', { id: 3 }))
    wire.advance(0)

    expect(peer.lines()).toEqual(['PAYLOAD 1 C', 'PAYLOAD 3 C'])
    expect(calls).toMatchObject([{ body: undefined }])
  })

  it('is told that a route is missing', () => {
    const [wire, peer] = foreign()

    peer.send({ type: 'REQUEST_RESPONSE', id: 1, data: '1' })
    peer.send({ type: 'REQUEST_RESPONSE', id: 3, metadata: entry(0x7e, new Uint8Array(0)), data: '1' })
    wire.advance(0)

    expect(peer.lines()).toEqual(['ERROR 1 INVALID unknown_route', 'ERROR 3 INVALID invalid_metadata'])
  })

  it('authenticates in SETUP and in requests', () => {
    const wire = new VirtualWire()
    calls.length = 0
    wire.serve(handlers)
    const peer = wire.rawClient({ metadataType: COMPOSITE_METADATA, metadata: entry(0x7c, fromHex('8174')) })

    peer.send(
      request('REQUEST_RESPONSE', 'echo', '1', {
        metadata: joined(entry(0x7c, fromHex('8000017570')), routing('test.echo', 'more')),
      }),
    )
    wire.advance(0)

    expect(first(wire.accepted).attributes).toEqual({ authorization: 'Bearer t' })
    expect(calls).toMatchObject([
      { header: { authorization: 'Basic dTpw' }, route: { contract: 'test', endpoint: 'echo' } },
    ])
  })

  it('chooses the type of a request and of its replies', () => {
    const [wire, peer] = foreign({ codecs: [msgpack(), bytesCodec()] })
    const isMsgpack = entry(0x7a, joined([18], ascii('application/msgpack')))

    peer.send(
      request('REQUEST_RESPONSE', 'echo', Uint8Array.of(0xa1, 0x61), {
        metadata: joined(routing('test.echo'), isMsgpack),
      }),
    )
    peer.send(
      request('REQUEST_RESPONSE', 'echo', Uint8Array.of(0xa1, 0x61), {
        id: 3,
        metadata: joined(routing('test.echo'), isMsgpack, entry(0x7b, Uint8Array.of(0x81, 0x85))),
      }),
    )
    peer.send(
      request('REQUEST_RESPONSE', 'echo', '1', {
        id: 5,
        metadata: joined(routing('test.echo'), entry(0x7b, Uint8Array.of(0x81))),
      }),
    )
    wire.advance(0)

    expect(peer.received.slice(0, 2).map(frame => readFrame(frame).data)).toEqual([
      Uint8Array.of(0xa1, 0x61),
      ascii('"a"'),
    ])
    expect(peer.lines()[2]).toBe('ERROR 5 INVALID unsupported_type')
  })

  it('speaks the type that its SETUP says', () => {
    const [wire, peer] = foreign({ codec: json(), codecs: [msgpack()] }, 'application/x-msgpack')

    peer.send(request('REQUEST_RESPONSE', 'echo', Uint8Array.of(0x07)))
    wire.advance(0)

    expect(peer.received.map(frame => readFrame(frame).data)).toEqual([Uint8Array.of(0x07)])
  })

  it('hears that the server drains after its last call (78)', () => {
    const wire = new VirtualWire({ closeTimeoutMs: 50 })
    const work$ = new Subject<Message>()
    const { binding } = wire.serve(answering({ work: () => work$ }))
    const peer = wire.rawClient({ metadataType: COMPOSITE_METADATA })
    peer.send(request('REQUEST_RESPONSE', 'work'))
    wire.advance(0)

    const drained = record(binding.drain())
    peer.send(request('REQUEST_RESPONSE', 'work', '1', { id: 3 }))
    wire.advance(1000)
    const before = peer.lines()
    work$.next(messageOf('done'))
    wire.advance(0)
    const after = peer.lines()
    wire.advance(50)

    expect([before, after]).toEqual([
      ['ERROR 3 REJECTED draining'],
      ['PAYLOAD 1 NC "done"', 'ERROR 0 CONNECTION_CLOSE draining'],
    ])
    expect([peer.ending, drained.completed]).toEqual(['closed', true])
  })
})

describe('a client of a foreign server', () => {
  const composite = { metadata: compositeMetadata() }

  it('opens a channel when it has its first request (57)', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer(composite)
    const requests = new Subject<unknown>()
    record(connection.call(streaming('duplex', 'both', requests)))
    wire.advance(0)
    const before = peer.lines()

    for (const body of [1, 2, 3]) requests.next(body)
    wire.advance(0)
    const opened = peer.lines()
    peer.send({ type: 'REQUEST_N', id: 1, word: 1 })
    wire.advance(0)

    expect([before, opened, peer.lines()]).toEqual([[], ['REQUEST_CHANNEL 1 n=256 1'], ['PAYLOAD 1 N 2']])
  })

  it('sends nothing of a channel whose source fails first', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer(composite)

    const replies = record(
      connection.call(
        streaming(
          'duplex',
          'both',
          throwError(() => new TypeError('mine')),
        ),
      ),
    )
    wire.advance(0)

    expect(replies.error).toMatchObject({ message: 'mine' })
    expect([peer.lines(), connection.running]).toEqual([[], 0])
  })

  it('cancels a channel that it has not opened', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer(composite)
    const requests = new Subject<unknown>()
    const replies = record(connection.call(streaming('duplex', 'both', requests)))

    replies.subscription.unsubscribe()
    requests.next(1)
    wire.advance(0)

    expect([peer.lines(), requests.observed]).toEqual([[], false])
  })

  it('fails a channel that it cannot open any more', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer(composite)
    const requests = new Subject<unknown>()
    const replies = record(connection.call(streaming('duplex', 'both', requests)))

    peer.close()
    wire.advance(0)
    requests.next(1)

    expect(replies.error).toMatchObject({ code: 'UNAVAILABLE', reason: 'connection_lost', retry: { safe: true } })
  })

  it('gets one message of a reply without a value (44)', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer(composite)
    const reply = record(connection.call(single('unary', 'none')))
    wire.advance(0)

    peer.send({ type: 'PAYLOAD', id: 1, flags: 'C' })
    wire.advance(0)

    expect([reply.values, reply.completed]).toEqual([[messageOf(undefined)], true])
  })

  it.each([1, 3])('is answered by millrace in every kind, %i requests', count => {
    const wire = new VirtualWire()
    wire.serve(handlers)
    const { connection } = wire.connect(composite)
    const bodies = Array.from({ length: count }, (_, index) => index)

    const replies = [
      single('unary', 'echo', 'a'),
      single('serverStream', 'three'),
      streaming('clientStream', 'all', from(bodies)),
      streaming('duplex', 'both', from(bodies)),
      streaming('duplex', 'both', from([])),
      streaming('clientStream', 'all', from([])),
    ].map(call => record(connection.call(call)))
    wire.advance(0)

    expect(replies.map(bodiesOf)).toEqual([['a'], [1, 2, 3], [bodies], bodies, [], [[]]])
    expect(replies.every(({ completed }) => completed)).toBe(true)
    expect([connection.running, first(wire.accepted).running]).toEqual([0, 0])
  })

  it('passes deadline and header on', () => {
    const wire = new VirtualWire()
    calls.length = 0
    wire.serve(handlers)
    const { connection } = wire.connect(composite)
    const sent = header({ authorization: 'Bearer t', trace: '1' })

    record(
      connection.call({ ...single('unary', 'echo', 1), header: sent, deadline: wire.runtime.scheduler.now() + 500 }),
    )
    wire.advance(0)

    expect(calls).toMatchObject([{ header: { ...sent }, deadline: 500 }])
  })

  it('reads trailers of millrace', () => {
    const wire = new VirtualWire()
    const last: Message = { header: header({ total: '3' }), body: undefined }
    wire.serve(answering({ items: () => of(messageOf(1), last) }))
    const { connection } = wire.connect(composite)

    const replies = record(connection.call(single('serverStream', 'items')))
    wire.advance(0)

    expect(replies.values).toEqual([messageOf(1), last])
  })
})

describe('a channel that is not open yet', () => {
  it('fails with the connection before its first request', () => {
    const wire = new VirtualWire()
    const { connection, peer } = wire.rawServer({ metadata: compositeMetadata() })
    const torn: string[] = []
    const requests = new Subject<unknown>().pipe(finalize(() => torn.push('down')))
    const call = record(connection.call(streaming('duplex', 'both', requests)))

    peer.close()
    wire.advance(0)

    expect(call.error).toMatchObject({ reason: 'connection_lost', retry: { safe: true } })
    expect(torn).toEqual(['down'])
  })

  it('fails when it cannot be opened without a request', () => {
    const wire = new VirtualWire()
    const { connection } = wire.rawServer({ metadata: compositeMetadata() })

    const call = record(connection.call(streaming('duplex', 'x'.repeat(300), of())))
    wire.advance(0)

    expect(call.error).toMatchObject({ reason: 'invalid_metadata' })
  })
})
