import { compositeMetadata } from 'millrace/protocol/rsocket'
import { json } from 'millrace/codec'
import { RpcError } from 'millrace/core'
import { EMPTY, NEVER, of } from 'rxjs'
import { expect } from 'vitest'
import { BytePeer, lengthPrefixed, messageFramed, messageHead, type Framing } from '../support/byte-peer.js'
import { frameBytes, joined, lineOf, readFrame, u24, u32, type FrameParts } from '../support/raw-frame.js'
import { routeMetadata, setupFrame } from '../support/raw-peer.js'
import { record } from '../support/recording.js'
import { answering, bodiesOf, single, streaming } from '../support/virtual-wire.js'
import { usual } from './handlers.js'
import type { Point } from './point.js'
import type { Lab, Network, Rig } from './rig.js'

const request: FrameParts = { type: 'REQUEST_RESPONSE', id: 1, metadata: routeMetadata('echo'), data: '1' }
const stream: FrameParts = { ...request, type: 'REQUEST_STREAM', word: 5 }

/** A length of metadata that the frame does not have. */
const overlong = Uint8Array.of(0, 0, 9, 1)

function framingOf(network: Network): Framing {
  return network === 'tcp' ? lengthPrefixed : messageFramed
}

/** The bytes of a client that asks three times, and what they are answered with. */
function askedThrice({ wrap }: Framing): { readonly sent: Uint8Array; readonly answers: readonly string[] } {
  const requests = [1, 3, 5].map(id => frameBytes({ ...request, id, data: `${id}` }))
  return {
    sent: joined(...[setupFrame(), ...requests].map(wrap)),
    answers: ['PAYLOAD 1 NC 1', 'PAYLOAD 3 NC 3', 'PAYLOAD 5 NC 5'],
  }
}

/** Sends `frame` to a server on a connection of its own, and gives what becomes of it and of a call after it. */
async function fateOf(rig: Rig, frame: FrameParts | Uint8Array): Promise<{ lines: string[]; ending: string }> {
  const peer = await rig.rawClient()
  peer.request('REQUEST_RESPONSE', 3, 'never')
  await rig.settle()
  peer.send(frame)
  peer.request('REQUEST_RESPONSE', 5, 'echo', { body: 'after' })
  await rig.settle()
  const { ending } = peer
  peer.close()
  await rig.settle()
  return { lines: peer.lines(), ending }
}

const FATAL = { lines: ['ERROR 0 CONNECTION_ERROR malformed_frame'], ending: 'closed' }
const IGNORED = { lines: ['PAYLOAD 5 NC "after"'], ending: 'open' }

/** Checks that each frame, by what it is, has one fate. */
async function allAre(
  fate: { lines: string[]; ending: string },
  { open }: Lab,
  frames: { readonly [what: string]: FrameParts | Uint8Array },
): Promise<void> {
  const rig = open()
  await rig.serve(usual)
  const bystander = await rig.connect()
  for (const [what, frame] of Object.entries(frames)) {
    expect({ what, ...(await fateOf(rig, frame)) }).toEqual({ what, ...fate })
  }
  expect(rig.log[0]?.fields?.['reason']).toBe(fate === FATAL ? 'malformed_frame' : undefined)
  const reply = record(bystander.connection.call(single('unary', 'echo', 'still here')))
  await rig.settle()
  expect(bodiesOf(reply)).toEqual(['still here'])
}

const unknownTypes = Array.from({ length: 0x3e - 0x0f + 1 }, (_, index) => 0x0f + index)

export const framing: readonly Point[] = [
  {
    number: 1,
    title: 'frames split at any byte are the same frames',
    notOver: { memory: 'whole frames' },
    run: async ({ network, open, thorough }) => {
      const rig = open()
      const { binding } = await rig.serve(usual)
      const framing = framingOf(network)
      const { sent, answers } = askedThrice(framing)
      const answersTo = async (chunks: readonly Uint8Array[]): Promise<string[]> => {
        const peer = await BytePeer.connect(binding.address, framing)
        for (const chunk of chunks) await peer.write(chunk)
        const frames = await peer.heard(answers.length)
        peer.destroy()
        return frames.map(lineOf)
      }

      for (let at = 1; at < sent.length; at += thorough ? 1 : 5) {
        expect(await answersTo([sent.subarray(0, at), sent.subarray(at)])).toEqual(answers)
      }
      expect(await answersTo(Array.from(sent, byte => Uint8Array.of(byte)))).toEqual(answers)
    },
  },
  {
    number: 2,
    title: 'many frames in one chunk come in order',
    notOver: { memory: 'whole frames' },
    run: async ({ network, open }) => {
      const rig = open()
      const { binding } = await rig.serve(usual)
      const framing = framingOf(network)
      const requests = Array.from({ length: 200 }, (_, index) =>
        framing.wrap(frameBytes({ ...request, id: 1 + 2 * index, data: `${index}` })),
      )
      const bytes = joined(framing.wrap(setupFrame()), ...requests)
      const peer = await BytePeer.connect(binding.address, framing)

      await peer.write(bytes.subarray(0, -5))
      const early = await peer.heard(199)
      await peer.write(bytes.subarray(-5))
      const all = await peer.heard(200)
      peer.destroy()

      expect(early).toHaveLength(199)
      expect(all.map(lineOf)).toEqual(requests.map((_, index) => `PAYLOAD ${1 + 2 * index} NC ${index}`))
    },
  },
  {
    number: 3,
    title: 'a message is a frame, a text an end',
    notOver: { memory: 'no WebSocket', tcp: 'no WebSocket' },
    run: async ({ open }) => {
      const rig = open()
      const { binding } = await rig.serve(usual)
      const peer = await BytePeer.connect(binding.address, messageFramed)

      await peer.write(messageFramed.wrap(setupFrame()))
      await peer.write(messageFramed.wrap(frameBytes(request)))
      const [answer] = await peer.heard(1)
      await peer.write(joined(messageHead(0x1, 3), Buffer.from('abc')))
      await peer.end()

      expect(answer).toEqual(frameBytes({ type: 'PAYLOAD', id: 1, flags: 'NC', data: '1' }))
    },
  },
  {
    number: 4,
    title: 'no frame is above 16 777 215 bytes',
    run: async ({ open }) => {
      const codec = json({ maxBytes: 64 * 1024 * 1024 })
      const rig = open({ codec, metadata: compositeMetadata() }) // a peer by hand answers no probes
      const { connection, peer, lifetime } = await rig.rawServer()
      const data = 'x'.repeat(17_000_000)

      const reply = record(connection.call(single('unary', 'echo', data)))
      await rig.settle()

      expect(Math.max(0, ...peer.received.map(({ length }) => length))).toBeLessThanOrEqual(0xff_ffff)
      if (reply.error === undefined) {
        const sent = peer.received.map(frame => readFrame(frame).data.length)
        expect(sent.reduce((sum, length) => sum + length, 0)).toBe(data.length + 2)
      } else expect(reply.error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'too_large' })
      expect(lifetime.error).toBeUndefined()
    },
  },
  {
    number: 5,
    title: 'an announced frame that is too long is refused',
    notOver: { memory: 'whole frames' },
    run: async ({ network, open }) => {
      const rig = open({}, { maxFrameBytes: 1000 })
      const { binding } = await rig.serve(usual)
      const framing = framingOf(network)
      const announced = network === 'tcp' ? u24(0xff_fff0) : messageHead(0x2, 0xff_fff0)
      const peer = await BytePeer.connect(binding.address, framing)

      await peer.write(framing.wrap(setupFrame()))
      await peer.write(joined(announced, [0, 0, 0, 1]))
      const [answer = new Uint8Array(6)] = await peer.heard(1)
      peer.destroy()

      expect(lineOf(answer)).toBe('ERROR 0 CONNECTION_ERROR frame_too_large')
    },
  },
  {
    number: 6,
    title: 'a frame below six bytes ends its connection',
    run: lab =>
      allAre(FATAL, lab, {
        'no bytes': new Uint8Array(0),
        'one byte': new Uint8Array(1),
        'five bytes': new Uint8Array(5),
      }),
  },
  {
    number: 7,
    title: 'a fixed part cut short ends the connection',
    run: async lab => {
      await allAre(FATAL, lab, {
        'REQUEST_STREAM of eight bytes': frameBytes(stream).subarray(0, 8),
        'REQUEST_CHANNEL of nine bytes': frameBytes({ ...stream, type: 'REQUEST_CHANNEL' }).subarray(0, 9),
        'REQUEST_N without a number': { type: 'REQUEST_N', id: 3 },
        'ERROR without a code': { type: 'ERROR', id: 3 },
        'ERROR without a code on the connection': { type: 'ERROR' },
        'KEEPALIVE without a position': { type: 'KEEPALIVE', flags: 'R' },
        'LEASE of ten bytes': { type: 'LEASE', data: '1234' },
      })
      const rig = lab.open()
      await rig.serve(usual)
      const { length } = setupFrame()
      for (let cut = 1; cut < length - 5; cut++) {
        const peer = await rig.rawClient({ cut })
        expect([cut, peer.lines(), peer.ending]).toEqual([cut, ['ERROR 0 INVALID_SETUP invalid_setup'], 'closed'])
      }
    },
  },
  {
    number: 8,
    title: 'metadata longer than its frame ends the connection',
    run: async lab => {
      await allAre(FATAL, lab, {
        'of a request': { type: 'REQUEST_RESPONSE', id: 1, flags: 'M', data: overlong },
        'of a stream': { type: 'REQUEST_STREAM', id: 1, flags: 'M', word: 1, data: overlong },
        'of a tell': { type: 'REQUEST_FNF', id: 1, flags: 'M', data: overlong },
        'of a channel': { type: 'REQUEST_CHANNEL', id: 1, flags: 'M', word: 1, data: overlong },
        'of an item': { type: 'PAYLOAD', id: 3, flags: 'MN', data: overlong },
        'without its length': { type: 'PAYLOAD', id: 3, flags: 'MN', data: Uint8Array.of(0) },
      })
      await allAre(IGNORED, lab, {
        'of an item, I set': { type: 'PAYLOAD', id: 3, flags: 'MNI', data: overlong },
        'of a request, I set': { type: 'REQUEST_RESPONSE', id: 1, flags: 'MI', data: overlong },
      })
    },
  },
  {
    number: 9,
    title: 'unknown flags are ignored, reserved bits are 0',
    run: async ({ open }) => {
      const rig = open()
      await rig.serve(usual)
      const peer = await rig.rawClient('none')
      const strange = (frame: Uint8Array): Uint8Array => frame.map((byte, index) => (index === 5 ? byte | 0x1f : byte))

      peer.send(strange(setupFrame()))
      peer.send(strange(frameBytes({ ...request, id: 1 })))
      peer.send(strange(frameBytes({ ...stream, id: 3, word: 1, metadata: routeMetadata('never') })))
      peer.send(strange(frameBytes({ type: 'REQUEST_N', id: 3, word: 1 })))
      peer.send(strange(frameBytes({ type: 'CANCEL', id: 3 })))
      peer.send(strange(frameBytes({ type: 'KEEPALIVE', flags: 'R', data: '12345678' })))
      await rig.settle()
      const lines = peer.lines()
      const sent = await everyFrame(open)

      expect(lines).toEqual(['PAYLOAD 1 NC 1', 'KEEPALIVE answer'])
      for (const frame of sent) {
        expect([lineOf(frame), (frame[5] ?? 0) & 0x1f, (frame[0] ?? 0) & 0x80]).toEqual([lineOf(frame), 0, 0])
      }
    },
  },
  {
    number: 10,
    title: 'a stream id above 31 bits ends the connection',
    run: lab =>
      allAre(FATAL, lab, {
        CANCEL: { type: 'CANCEL', id: 0x8000_0003 },
        request: { ...request, id: 0x8000_0001 },
        'on the connection': { type: 'KEEPALIVE', id: 0x8000_0000, flags: 'R', data: '12345678' },
      }),
  },
  {
    number: 11,
    title: 'an unknown type with I set is ignored',
    run: async ({ open }) => {
      const rig = open()
      await rig.serve(usual)
      const peer = await rig.rawClient()

      for (const type of unknownTypes) {
        peer.send({ type, id: 1, flags: 'I', data: 'abc' })
        peer.send({ type, flags: 'I' })
      }
      peer.request('REQUEST_RESPONSE', 1, 'echo', { body: 'a' })
      await rig.settle()

      expect(peer.lines()).toEqual(['PAYLOAD 1 NC "a"'])
    },
  },
  {
    number: 12,
    title: 'an unknown type without I ends the connection',
    run: lab =>
      allAre(FATAL, lab, {
        ...Object.fromEntries(unknownTypes.map(type => [`0x${type.toString(16)}`, { type, id: 1 }])),
        'on the connection': { type: 0x20 },
        reserved: { type: 0, id: 1 },
      }),
  },
  {
    number: 13,
    title: 'an unknown extension goes by its I flag',
    run: async lab => {
      await allAre(FATAL, lab, { 'on a stream': { type: 'EXT', id: 1, word: 7 }, on: { type: 'EXT', word: 7 } })
      await allAre(IGNORED, lab, {
        'on a stream': { type: 'EXT', id: 1, flags: 'I', word: 7 },
        on: { type: 'EXT', flags: 'I', word: 7 },
      })
    },
  },
  {
    number: 14,
    title: 'frames of metadata alone have no length in them',
    run: async ({ open }) => {
      const rig = open()
      const pushed: unknown[] = []
      await rig.serve(remote => {
        remote.pushes.subscribe(header => pushed.push({ ...header }))
        return usual
      })
      const peer = await rig.rawClient()
      const metadata = Uint8Array.of(1, 1, 0x61, 1, 0x62) // one entry, a: b

      peer.send({ type: 'METADATA_PUSH', flags: 'M', data: metadata })
      rig.accepted[0]?.metadataPush({ a: 'b' })
      await rig.settle()
      const leased = open({ honorLease: true })
      const client = await leased.rawServer()
      const reply = record(client.connection.call(single('unary', 'echo', 'a')))
      client.peer.send({ type: 'LEASE', flags: 'M', data: joined(u32(1000), u32(1), Buffer.from('metadata')) })
      await leased.settle()

      expect(pushed).toEqual([{ a: 'b' }])
      expect(peer.received).toEqual([frameBytes({ type: 'METADATA_PUSH', flags: 'M', data: metadata })])
      expect(client.peer.lines().at(-1)).toBe('REQUEST_RESPONSE 1 "a"')
      expect(reply.error).toBeUndefined()
    },
  },
  {
    number: 15,
    title: 'empty metadata is not the absence of metadata',
    run: async ({ open }) => {
      const rig = open()
      const { connection, peer } = await rig.rawServer()
      const replies = record(connection.call(single('serverStream', 'numbers')))
      await rig.settle()

      peer.send({ type: 'PAYLOAD', id: 1, flags: 'N', data: '1' })
      peer.send({ type: 'PAYLOAD', id: 1, flags: 'N', metadata: new Uint8Array(0), data: '2' })
      peer.send({ type: 'PAYLOAD', id: 1, flags: 'NC', data: '3' })
      await rig.settle()

      expect(replies.error).toBeUndefined()
      expect(bodiesOf(replies)).toEqual([1, 2, 3])
      expect(readFrame(frameBytes({ type: 'PAYLOAD', metadata: new Uint8Array(0) })).metadata).toHaveLength(0)
    },
  },
]

/** Frames of every kind that our engines send, of both roles. */
async function everyFrame(open: Lab['open']): Promise<Uint8Array[]> {
  const rig = open({ keepAliveMs: 100, maxLifetimeMs: 1000 })
  const { connection, peer, setup } = await rig.rawServer()
  const serving = open()
  await serving.serve(remote => {
    record(remote.call(single('serverStream', 'numbers')))
    return answering({
      one: () => of({ header: { a: 'b' }, body: 1 }),
      never: ({ messages }) => (record(messages), NEVER),
      fails: () => {
        throw new RpcError('ABORTED', 'on purpose')
      },
    })
  })
  const client = await serving.rawClient()

  record(connection.call({ ...single('unary', 'echo', 1), header: { a: 'b' } }))
  record(connection.call(single('tell', 'echo', 1)))
  record(connection.call(single('serverStream', 'echo', 1))).subscription.unsubscribe()
  record(connection.call(streaming('duplex', 'echo', EMPTY)))
  await rig.pass(100)
  client.request('REQUEST_RESPONSE', 1, 'one')
  client.request('REQUEST_STREAM', 3, 'one', { n: 1 })
  client.request('REQUEST_CHANNEL', 5, 'never', { n: 1 })
  client.request('REQUEST_RESPONSE', 7, 'fails')
  client.send({ type: 'KEEPALIVE', flags: 'R', data: '12345678' })
  serving.accepted[0]?.drain()
  await serving.settle()
  return [setup, ...peer.received, ...client.received]
}
