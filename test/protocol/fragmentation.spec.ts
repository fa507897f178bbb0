import { messageOf, type Header, type Message } from 'millrace/core'
import { deliver } from 'millrace/streams'
import type { StreamingCall } from 'millrace/protocol'
import { finalize, from, map, NEVER, Observable, of, Subject, toArray } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { first } from '../support/first.js'
import { flagBits, readFrame, type FrameParts } from '../support/raw-frame.js'
import { routeMetadata, type RawPeer } from '../support/raw-peer.js'
import { record } from '../support/recording.js'
import { answering, bodiesOf, single, streaming, VirtualWire } from '../support/virtual-wire.js'

const fragmentBytes = 64
const long = (letter: string, length = 300): string => letter.repeat(length)

const handlers = answering({
  echo: ({ body }: { body: unknown }) => of(messageOf(body)),
  both: ({ messages }: StreamingCall) => messages,
  longs: () => from(['a', 'b', 'c'].map(letter => messageOf(long(letter)))),
  never: () => NEVER,
})

/** What a frame is, how large, and what it says of its payload. */
function shapes(peer: RawPeer): string[] {
  return peer.received.splice(0).map(bytes => {
    const { type, id, flags } = readFrame(bytes)
    const letters = (['N', 'C', 'F', 'M'] as const).filter(letter => (flags & flagBits[letter]) !== 0)
    return `${type} ${id} ${letters.join('')} ${bytes.length}`
  })
}

function served(options: ConstructorParameters<typeof VirtualWire>[0] = { fragmentBytes }): [VirtualWire, RawPeer] {
  const wire = new VirtualWire(options)
  wire.serve(handlers)
  return [wire, wire.rawClient()]
}

/** The frames of a request in three fragments: metadata over two of them, data over two. */
function request(type: 'REQUEST_RESPONSE' | 'REQUEST_FNF', id: number, endpoint: string, body: string): FrameParts[] {
  const metadata = routeMetadata(endpoint)
  const data = JSON.stringify(body)
  return [
    { type, id, flags: 'F', metadata: metadata.subarray(0, 5) },
    { type: 'PAYLOAD', id, flags: 'NF', metadata: metadata.subarray(5), data: data.slice(0, 2) },
    { type: 'PAYLOAD', id, flags: 'N', data: data.slice(2) },
  ]
}

describe('a long payload', () => {
  it('leaves in fragments that all say NEXT (72)', () => {
    const [wire, peer] = served()
    const body = long('x', 160)

    peer.request('REQUEST_RESPONSE', 1, 'echo', { body })
    wire.advance(0)

    expect(shapes(peer)).toEqual(['PAYLOAD 1 NF 64', 'PAYLOAD 1 NF 64', 'PAYLOAD 1 NC 52'])
  })

  it('has its metadata before its data', () => {
    const wire = new VirtualWire({ fragmentBytes })
    const { connection, peer } = wire.rawServer()
    const header: Header = { name: long('h', 100) }

    record(connection.call({ ...single('unary', 'echo', long('x', 40)), header }))
    wire.advance(0)

    expect(shapes(peer)).toEqual(['REQUEST_RESPONSE 1 FM 64', 'PAYLOAD 1 NFM 64', 'PAYLOAD 1 NFM 64', 'PAYLOAD 1 N 8'])
  })

  it('of a channel that is complete says so behind it', () => {
    const wire = new VirtualWire({ fragmentBytes })
    const { connection, peer } = wire.rawServer()
    const header: Header = { name: long('h', 60) }

    record(connection.call({ ...streaming('duplex', 'both', of()), header }))
    wire.advance(0)

    expect(shapes(peer)).toEqual(['REQUEST_CHANNEL 1 FM 64', 'PAYLOAD 1 NM 43', 'PAYLOAD 1 C 6'])
  })

  it.each(['unary', 'serverStream', 'clientStream', 'duplex', 'tell'] as const)('arrives whole, %s', kind => {
    const wire = new VirtualWire({ fragmentBytes })
    const told: Message[] = []
    const answers = answering({
      unary: ({ body }: { body: unknown }) => of(messageOf(body)),
      serverStream: ({ body }: { body: unknown }) => from([1, 2, 3].map(() => messageOf(body))),
      clientStream: ({ messages }: StreamingCall) =>
        messages.pipe(
          toArray(),
          map(all => messageOf(all.map(({ body }) => body))),
        ),
      duplex: ({ messages }: StreamingCall) => messages,
      tell: ({ body }: { body: unknown }) => (told.push(messageOf(body)), of()),
    })
    wire.serve(answers)
    const { connection } = wire.connect()
    const bodies = [long('a'), long('b', 50), long('c', 1000)]

    const call =
      kind === 'clientStream' || kind === 'duplex' ? streaming(kind, kind, from(bodies)) : single(kind, kind, bodies[2])
    const replies = record(connection.call(call))
    wire.advance(0)

    const expected = {
      unary: [bodies[2]],
      serverStream: [bodies[2], bodies[2], bodies[2]],
      clientStream: [bodies],
      duplex: bodies,
      tell: [],
    }
    expect(bodiesOf(replies)).toEqual(expected[kind])
    expect(replies.completed).toBe(true)
    expect(told.map(({ body }) => body)).toEqual(kind === 'tell' ? [bodies[2]] : [])
    expect([connection.running, first(wire.accepted).running]).toEqual([0, 0])
  })

  it('uses one credit (70)', () => {
    const [wire, peer] = served()

    peer.request('REQUEST_STREAM', 1, 'longs', { n: 2 })
    wire.advance(0)

    const frames = peer.received.map(readFrame)
    expect(frames.filter(({ flags }) => (flags & flagBits.F) === 0)).toHaveLength(2)
    expect(frames.map(({ data }) => new TextDecoder().decode(data)).join('')).toBe(
      JSON.stringify(long('a')) + JSON.stringify(long('b')),
    )
  })

  it('lets the frames of other streams through', () => {
    const wire = new VirtualWire({ fragmentBytes }, { highWaterMarkBytes: 200 })
    wire.serve(handlers)
    const peer = wire.rawClient()

    peer.request('REQUEST_RESPONSE', 1, 'echo', { body: long('x', 2000) })
    peer.request('REQUEST_RESPONSE', 3, 'echo', { body: 'short' })
    wire.advance(0)

    const order = shapes(peer)
    const short = order.indexOf('PAYLOAD 3 NC 13')
    expect(short).toBeGreaterThanOrEqual(0)
    expect(short).toBeLessThan(10)
    expect(order).toHaveLength(36)
    expect(order.at(-1)).toMatch(/^PAYLOAD 1 NC/)
  })

  it('takes turns with other long payloads', () => {
    const wire = new VirtualWire({ fragmentBytes }, { highWaterMarkBytes: 130 })
    wire.serve(handlers)
    const peer = wire.rawClient()

    peer.request('REQUEST_RESPONSE', 1, 'echo', { body: long('x', 600) })
    peer.request('REQUEST_RESPONSE', 3, 'echo', { body: long('y', 600) })
    wire.advance(0)

    const ids = peer.received.map(frame => readFrame(frame).id)
    expect(Math.abs(ids.lastIndexOf(1) - ids.lastIndexOf(3))).toBeLessThan(4)
  })

  it('holds back what is sent behind it', () => {
    const wire = new VirtualWire({ fragmentBytes }, { highWaterMarkBytes: 100 })
    wire.serve(handlers)
    const peer = wire.rawClient()

    peer.request('REQUEST_STREAM', 1, 'longs', { n: 9 })
    wire.advance(0)

    const text = peer.received.map(frame => new TextDecoder().decode(readFrame(frame).data)).join('')
    expect(text).toBe(['a', 'b', 'c'].map(letter => JSON.stringify(long(letter))).join(''))
    expect(shapes(peer).at(-1)).toBe('PAYLOAD 1 C 6')
  })

  it('is consumed when its last fragment is written', () => {
    const wire = new VirtualWire({ fragmentBytes }, { highWaterMarkBytes: 100 })
    const source$ = new Subject<Message>()
    const consumed: string[] = []
    wire.serve(answering({ source: () => source$ }))
    const { connection } = wire.connect()
    record(connection.call(single('serverStream', 'source')))
    wire.advance(0)

    deliver(source$, messageOf(long('x', 1000)), () => consumed.push('long'))
    const before = [...consumed]
    wire.advance(0)

    expect([before, consumed]).toEqual([[], ['long']])
  })

  it('that is cut off is not consumed', () => {
    const wire = new VirtualWire({ fragmentBytes }, { highWaterMarkBytes: 100 })
    const source$ = new Subject<Message>()
    const consumed: unknown[] = []
    const { listening } = wire.serve(answering({ source: () => source$ }))
    const peer = wire.unread()
    peer.request('REQUEST_STREAM', 1, 'source', { n: 9 })
    wire.advance(0)
    deliver(source$, messageOf(long('x', 1000)), error => consumed.push(error))

    source$.complete()
    wire.advance(0)
    listening.unsubscribe()
    wire.advance(0)

    expect(consumed).toMatchObject([{ code: 'CANCELLED', reason: 'not_sent' }])
    expect(first(wire.accepted).running).toBe(0)
  })

  it('stops when it is cancelled (68)', () => {
    const wire = new VirtualWire({ fragmentBytes }, { highWaterMarkBytes: 100 })
    wire.serve(handlers)
    const peer = wire.rawClient()

    peer.request('REQUEST_RESPONSE', 1, 'echo', { body: long('x', 5000) })
    peer.send({ type: 'CANCEL', id: 1 })
    wire.advance(0)

    expect(peer.received.length).toBeLessThan(10)
    expect(Reflect.get(Reflect.get(first(wire.accepted), 'sender') as object, 'payloadBytes')).toBe(0)
  })

  it('keeps a draining connection open until it is sent', () => {
    const wire = new VirtualWire({ fragmentBytes }, { highWaterMarkBytes: 100 })
    const { binding } = wire.serve(handlers)
    const { connection } = wire.connect()
    const reply = record(connection.call(single('unary', 'echo', long('x', 5000))))
    wire.advance(0)

    record(binding.drain())
    wire.advance(10_000)

    expect(bodiesOf(reply)).toEqual([long('x', 5000)])
  })
})

describe('fragments', () => {
  it('are put together, whatever their size', () => {
    const [wire, peer] = served({})

    for (const frame of request('REQUEST_RESPONSE', 1, 'echo', 'hello')) peer.send(frame)
    wire.advance(0)

    expect(peer.lines()).toEqual(['PAYLOAD 1 NC "hello"'])
  })

  it('that are cancelled are dropped (68)', () => {
    const [wire, peer] = served({})
    const [head, , tail] = request('REQUEST_RESPONSE', 1, 'echo', 'one') as [FrameParts, FrameParts, FrameParts]

    peer.send(head)
    peer.send({ type: 'CANCEL', id: 1 })
    peer.send(tail)
    peer.request('REQUEST_RESPONSE', 3, 'echo', { body: 'two' })
    wire.advance(0)

    expect(peer.lines()).toEqual(['PAYLOAD 3 NC "two"'])
  })

  it('with metadata behind data end the connection', () => {
    const [wire, peer] = served({})

    peer.send({ type: 'REQUEST_RESPONSE', id: 1, flags: 'F', metadata: routeMetadata('echo'), data: '"a' })
    peer.send({ type: 'PAYLOAD', id: 1, flags: 'N', metadata: Uint8Array.of(1), data: 'b"' })
    wire.advance(0)

    expect(peer.lines()).toEqual(['ERROR 0 CONNECTION_ERROR malformed_frame'])
  })

  it.each([
    ['a payload', { maxPayloadBytes: 64 }, 'payload_too_large'],
    ['all payloads', { maxReassemblyBytes: 64 }, 'reassembly_full'],
    ['the number of payloads', { maxReassemblies: 1 }, 'reassembly_full'],
  ])('over the limit of %s are refused (71)', (_, options, reason) => {
    const [wire, peer] = served(options)
    const head = (id: number, data: string): FrameParts => ({
      type: 'REQUEST_RESPONSE',
      id,
      flags: 'F',
      metadata: routeMetadata('echo'),
      data,
    })

    peer.send(head(1, '"'))
    peer.send(head(3, long('x', 60)))
    peer.send({ type: 'PAYLOAD', id: 3, flags: 'N', data: 'more' })
    peer.send({ type: 'PAYLOAD', id: 1, flags: 'N', data: 'a"' })
    wire.advance(0)

    expect(peer.lines()).toEqual([`ERROR 3 INVALID ${reason}`, 'PAYLOAD 1 NC "a"'])
  })

  it('of a reply over the limit cancel the call', () => {
    const wire = new VirtualWire({ maxPayloadBytes: 64 })
    const { connection, peer } = wire.rawServer()
    const replies = record(connection.call(single('serverStream', 'echo')))

    peer.send({ type: 'PAYLOAD', id: 1, flags: 'NF', data: long('x', 60) })
    peer.send({ type: 'PAYLOAD', id: 1, flags: 'N', data: long('x', 60) })
    wire.advance(0)

    expect(replies.error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'payload_too_large' })
    expect(peer.lines()).toEqual(['REQUEST_STREAM 1 n=256', 'CANCEL 1'])
    expect(connection.running).toBe(0)
  })

  it('of a request over the limit end a channel', () => {
    const [wire, peer] = served({ maxPayloadBytes: 64 })

    peer.request('REQUEST_CHANNEL', 1, 'both', { n: 9 })
    wire.advance(0)
    peer.send({ type: 'PAYLOAD', id: 1, flags: 'NF', data: long('x', 60) })
    peer.send({ type: 'PAYLOAD', id: 1, flags: 'N', data: long('x', 60) })
    wire.advance(0)

    expect(peer.lines()).toEqual(['REQUEST_N 1 n=256', 'ERROR 1 APPLICATION_ERROR payload_too_large'])
  })

  it('that never end leave nothing behind', () => {
    const [wire, peer] = served({})

    for (let id = 1; id < 2000; id += 2) {
      peer.send({ type: 'REQUEST_RESPONSE', id, flags: 'F', metadata: routeMetadata('echo'), data: long('x') })
    }
    wire.advance(0)
    peer.abort()
    wire.advance(0)

    expect(new Set(peer.lines().map(line => line.replace(/\d+/, '…')))).toEqual(
      new Set(['ERROR … INVALID reassembly_full']),
    )
    expect(wire.pending).toBe(0)
  })
})

describe('replies', () => {
  it('are refused while many long ones wait for a peer', () => {
    const wire = new VirtualWire(
      { maxQueuedBytes: 1000, maxPayloadBytes: 1000, fragmentBytes },
      { highWaterMarkBytes: 100 },
    )
    const asked = new Subject<Message>()
    wire.serve(answering({ later: () => new Observable<Message>(subscriber => asked.subscribe(subscriber)) }))
    const peer = wire.unread()
    for (let id = 1; id < 40; id += 2) peer.request('REQUEST_RESPONSE', id, 'later', { body: 1 })
    wire.advance(0)

    asked.next(messageOf(long('x', 900)))

    const sender = Reflect.get(first(wire.accepted), 'sender') as { payloadBytes: number }
    expect(sender.payloadBytes).toBeLessThan(5000)
  })
})

describe('the route of a long first request', () => {
  it('is known to a request that overtakes the first', () => {
    const wire = new VirtualWire({ fragmentBytes }, { highWaterMarkBytes: 100 })
    wire.serve(handlers)
    const { connection } = wire.connect()

    const calls = [long('x'), 'short', 'other'].map(body => record(connection.call(single('unary', 'echo', body))))
    wire.advance(0)

    expect(calls.map(({ error }) => error?.reason)).toEqual([undefined, undefined, undefined])
  })

  it('is known after the first request was cancelled', () => {
    const wire = new VirtualWire({ fragmentBytes }, { highWaterMarkBytes: 100 })
    wire.serve(handlers)
    const { connection } = wire.connect()
    const call = record(connection.call(single('unary', 'echo', long('x'))))

    call.subscription.unsubscribe()
    wire.advance(0)
    const next = record(connection.call(single('unary', 'echo', 'a')))
    wire.advance(0)

    expect([next.error?.reason, bodiesOf(next)]).toEqual([undefined, ['a']])
  })

  it.each([64, 65_536])('is known after it was too large, frames of %i', bytes => {
    const wire = new VirtualWire({ fragmentBytes: bytes })
    wire.serve(handlers, { maxPayloadBytes: 100 })
    const { connection } = wire.connect()
    const call = record(connection.call(single('unary', 'echo', long('x'))))
    wire.advance(0)

    const next = record(connection.call(single('unary', 'echo', 'a')))
    wire.advance(0)

    expect(call.error?.reason).toBe('payload_too_large')
    expect([next.error?.reason, bodiesOf(next)]).toEqual([undefined, ['a']])
  })
})

describe('a long request', () => {
  it('that fails leaves no further, though a teardown throws', () => {
    const wire = new VirtualWire({ fragmentBytes }, { highWaterMarkBytes: 100 })
    const { connection, peer } = wire.rawServer()
    const teardown = finalize(() => {
      throw new TypeError('teardown')
    })
    record(connection.call(single('unary', 'echo', long('x', 2000))).pipe(teardown))

    peer.send({ type: 'ERROR', id: 1, word: 0x201, data: 'no' })
    wire.advance(0)

    expect(peer.received.length).toBeLessThan(10)
  })
})

describe('a long tell', () => {
  const tell = single('tell', 'note', long('x', 2000))
  const cluttered = (): ReturnType<VirtualWire['rawServer']> & { readonly wire: VirtualWire } => {
    const wire = new VirtualWire({ fragmentBytes }, { highWaterMarkBytes: 100 })
    return { wire, ...wire.rawServer() }
  }

  it('completes when its last fragment is written', () => {
    const { wire, connection, peer } = cluttered()

    const told = record(connection.call(tell))
    const before = [told.completed, connection.running]
    wire.advance(0)

    expect([before, told.completed, connection.running]).toEqual([[false, 1], true, 0])
    expect(shapes(peer).at(-1)).toMatch(/^PAYLOAD 1 N \d+$/)
  })

  it('completes at once when the socket takes all of it', () => {
    const wire = new VirtualWire({ fragmentBytes })
    const { connection } = wire.rawServer()

    const told = record(connection.call(tell))

    expect([told.completed, connection.running]).toEqual([true, 0])
  })

  it('is cancelled when it is unsubscribed before', () => {
    const { wire, connection, peer } = cluttered()
    const told = record(connection.call(tell))

    told.subscription.unsubscribe()
    wire.advance(0)

    const sent = shapes(peer)
    expect([sent.length < 10, sent.at(-1), connection.running]).toEqual([true, 'CANCEL 1  6', 0])
  })

  it.each([
    ['the peer cancels it', { type: 'CANCEL', id: 1 }, 'CANCELLED not_sent'],
    ['the peer refuses it', { type: 'ERROR', id: 1, word: 0x202, data: 'no' }, 'UNAVAILABLE rejected'],
  ] as const)('fails when %s', (_, answer, expected) => {
    const { wire, connection, peer } = cluttered()
    const told = record(connection.call(tell))

    peer.send(answer)
    wire.advance(0)

    expect([`${told.error?.code} ${told.error?.reason}`, connection.running]).toEqual([expected, 0])
    expect(peer.received.length).toBeLessThan(10)
  })

  it('fails when the connection ends before', () => {
    const { wire, connection, peer } = cluttered()
    const told = record(connection.call(tell))

    peer.close()
    wire.advance(0)

    expect([told.completed, told.error]).toMatchObject([false, { code: 'UNAVAILABLE', reason: 'connection_lost' }])
  })

  it('ignores replies and credit', () => {
    const { wire, connection, peer } = cluttered()
    const told = record(connection.call(tell))

    peer.send({ type: 'PAYLOAD', id: 1, flags: 'NC', data: '"a"' })
    peer.send({ type: 'REQUEST_N', id: 1, word: 5 })
    wire.advance(0)

    expect([told.values, told.completed]).toEqual([[], true])
  })
})
