import { messageOf, RpcError, type RpcError as Failure } from 'millrace/core'
import type { Call, Peer } from 'millrace/protocol'
import { rsocket } from 'millrace/protocol/rsocket'
import { memoryTransport } from 'millrace/transport'
import { NEVER, of } from 'rxjs'
import { expect } from 'vitest'
import { joined, type FrameParts } from '../support/raw-frame.js'
import { setupFrame, type SetupParts } from '../support/raw-peer.js'
import { record } from '../support/recording.js'
import { thrownBy } from '../support/thrown-by.js'
import { answering, bodiesOf, single } from '../support/virtual-wire.js'
import { bytesAs } from './bytes-as.js'
import { usual } from './handlers.js'
import type { Point } from './point.js'
import type { Lab } from './rig.js'

const refusing = (): never => {
  throw new RpcError('PERMISSION_DENIED', 'no such tenant', { reason: 'unknown_tenant' })
}

/** What a server says to each SETUP, with a request behind it; no request may run. */
async function refusals(
  { open }: Lab,
  setups: { readonly [what: string]: SetupParts },
): Promise<{ [what: string]: string[] }> {
  const rig = open()
  const calls: Call[] = []
  const peer: Peer = { call: call => (calls.push(call), NEVER) }
  await rig.serve(peer)
  const said: { [what: string]: string[] } = {}
  for (const [what, setup] of Object.entries(setups)) {
    const client = await rig.rawClient('none')
    client.setup(setup)
    client.request('REQUEST_RESPONSE', 1, 'echo', { body: 1 })
    client.request('REQUEST_FNF', 3, 'echo', { body: 1 })
    await rig.settle()
    said[what] = [...client.lines(), client.ending]
  }
  expect(calls).toEqual([])
  return said
}

const INVALID = ['ERROR 0 INVALID_SETUP invalid_setup', 'closed']

export const setup: readonly Point[] = [
  {
    number: 16,
    title: 'the first frame is SETUP or RESUME',
    run: async ({ open }) => {
      const rig = open()
      await rig.serve(usual)
      const frames: readonly FrameParts[] = [
        { type: 'REQUEST_RESPONSE', id: 1 },
        { type: 'REQUEST_FNF', id: 1 },
        { type: 'REQUEST_STREAM', id: 1, word: 1 },
        { type: 'REQUEST_CHANNEL', id: 1, word: 1 },
        { type: 'REQUEST_N', id: 1, word: 1 },
        { type: 'CANCEL', id: 1 },
        { type: 'PAYLOAD', id: 1, flags: 'N' },
        { type: 'ERROR', word: 0x101 },
        { type: 'KEEPALIVE', flags: 'R', data: '12345678' },
        { type: 'LEASE', data: '12345678' },
        { type: 'METADATA_PUSH', flags: 'M' },
        { type: 'RESUME_OK', data: '12345678' },
        { type: 'EXT', flags: 'I', word: 1 },
        { type: 0x20, flags: 'I' },
      ]

      for (const frame of frames) {
        const peer = await rig.rawClient('none')
        peer.send(frame)
        await rig.settle()
        expect([frame.type, ...peer.lines(), peer.ending]).toEqual([frame.type, ...INVALID])
      }
    },
  },
  {
    number: 17,
    title: 'SETUP has stream id 0',
    run: async lab => {
      const said = await refusals(lab, { 'id 1': { id: 1 }, 'id 2': { id: 2 } })

      expect(said).toEqual({ 'id 1': INVALID, 'id 2': INVALID })
    },
  },
  {
    number: 18,
    title: 'the version is 1.0 and no other is taken',
    run: async lab => {
      const { setup: sent } = await lab.open().rawServer()
      const versions = [0, 0x0_0002, 0x1_0001, 0x2_0000, 0xffff_ffff]
      const said = await refusals(lab, Object.fromEntries(versions.map(version => [`${version}`, { version }])))

      expect([...sent.subarray(6, 10)]).toEqual([0, 1, 0, 0])
      expect(Object.values(said)).toEqual(versions.map(() => INVALID))
    },
  },
  {
    number: 19,
    title: 'keepalive and lifetime are above 0',
    run: async lab => {
      const said = await refusals(lab, {
        keepalive: { keepAliveMs: 0 },
        lifetime: { maxLifetimeMs: 0 },
        'above 31 bits': { maxLifetimeMs: 0x8000_0000 },
      })

      expect(Object.values(said)).toEqual([INVALID, INVALID, INVALID])
    },
  },
  {
    number: 20,
    title: 'a second SETUP is ignored',
    run: async ({ open }) => {
      const rig = open()
      await rig.serve(usual)
      const peer = await rig.rawClient()
      peer.request('REQUEST_STREAM', 1, 'numbers', { n: 1 })

      peer.setup({ dataType: 'text/plain' })
      peer.setup({ id: 1 })
      peer.send({ type: 'REQUEST_N', id: 1, word: 1 })
      peer.request('REQUEST_RESPONSE', 3, 'echo', { body: 'a' })
      await rig.settle()

      expect(peer.lines()).toEqual(['PAYLOAD 1 N 0', 'PAYLOAD 1 N 1', 'PAYLOAD 3 NC "a"'])
      expect(peer.ending).toBe('open')
    },
  },
  {
    number: 21,
    title: 'a client ignores SETUP',
    run: async ({ open }) => {
      const rig = open()
      const { connection, peer, lifetime } = await rig.rawServer()
      const reply = record(connection.call(single('unary', 'echo', 'a')))

      peer.setup()
      await rig.settle()
      peer.item(1, 'b', 'NC')
      peer.setup({ version: 0 })
      await rig.settle()

      expect(bodiesOf(reply)).toEqual(['b'])
      expect([lifetime.error, peer.ending]).toEqual([undefined, 'open'])
    },
  },
  {
    number: 22,
    title: 'resumption that is not offered is refused',
    run: async lab => {
      const said = await refusals(lab, { resumption: { flags: 'R', token: 'tok' } })
      const errors: (string | undefined)[] = []
      for (const word of [0x2, 0x3]) {
        const rig = lab.open()
        const { connection, peer } = await rig.rawServer({ resume: {} })
        const reply = record(connection.call(single('unary', 'echo', 'a')))
        peer.send({ type: 'ERROR', word, data: 'no resume support' })
        await rig.settle()
        errors.push(reply.error?.rawMessage)
      }

      expect(said).toEqual({ resumption: ['ERROR 0 REJECTED_SETUP resume_unsupported', 'closed'] })
      expect(errors).toEqual(['no resume support', 'no resume support'])
    },
  },
  {
    number: 23,
    title: 'leases that are not offered are refused',
    run: async lab => {
      const { leases } = await refusals(lab, { leases: { flags: 'L' } })

      expect(leases).toEqual([expect.stringMatching(/^ERROR 0 \w+_SETUP lease_unsupported$/), 'closed'])
    },
  },
  {
    number: 24,
    title: 'requests behind SETUP wait for its acceptance',
    run: async ({ open }) => {
      const rig = open()
      await rig.serve(usual)
      const peer = await rig.rawClient('none')

      peer.setup()
      for (const id of [1, 3, 5]) peer.request('REQUEST_RESPONSE', id, 'echo', { body: id })
      await rig.settle()
      const rejecting = open()
      await rejecting.serve(refusing)
      const rejected = await rejecting.rawClient('none')
      rejected.setup()
      for (const id of [1, 3]) rejected.request('REQUEST_RESPONSE', id, 'echo', { body: id })
      await rejecting.settle()

      expect(peer.lines()).toEqual(['PAYLOAD 1 NC 1', 'PAYLOAD 3 NC 3', 'PAYLOAD 5 NC 5'])
      expect([...rejected.lines(), rejected.ending]).toEqual(['ERROR 0 REJECTED_SETUP unknown_tenant', 'closed'])
    },
  },
  {
    number: 25,
    title: 'a rejected SETUP fails the requests behind it',
    run: async ({ open }) => {
      const errors: (Failure | undefined)[] = []
      for (const word of [1, 2, 3]) {
        const rig = open()
        const { connection, peer, lifetime } = await rig.rawServer()
        const calls = [
          record(connection.call(single('unary', 'echo', 1))),
          record(connection.call(single('serverStream', 'numbers'))),
        ]
        await rig.settle()
        peer.send({ type: 'ERROR', word, data: 'go away' })
        peer.close()
        await rig.settle()
        errors.push(...calls.map(({ error }) => error), lifetime.error)
      }

      expect(errors.map(error => error?.rawMessage)).toEqual(errors.map(() => 'go away'))
      expect(errors).toHaveLength(9)
    },
  },
  {
    number: 26,
    title: 'a server ignores errors of SETUP',
    run: async ({ open }) => {
      const rig = open()
      await rig.serve(usual)
      const peer = await rig.rawClient()

      for (const word of [1, 2, 3, 4]) peer.send({ type: 'ERROR', word, data: 'nope' })
      peer.request('REQUEST_RESPONSE', 1, 'echo', { body: 'a' })
      await rig.settle()

      expect([...peer.lines(), peer.ending]).toEqual(['PAYLOAD 1 NC "a"', 'open'])
    },
  },
  {
    number: 27,
    title: 'an established client ignores errors of SETUP',
    run: async ({ open }) => {
      const rig = open()
      const { peer, connection, lifetime } = await rig.rawServer()
      const replies = record(connection.call(single('serverStream', 'numbers')))
      await rig.settle()

      peer.item(1, 'a')
      for (const word of [1, 2, 3, 4]) peer.send({ type: 'ERROR', word, data: 'nope' })
      peer.item(1, 'b', 'NC')
      await rig.settle()

      expect([bodiesOf(replies), replies.completed, lifetime.error]).toEqual([['a', 'b'], true, undefined])
    },
  },
  {
    number: 28,
    title: 'the first frame must come in time',
    run: async ({ open }) => {
      const rig = open({ setupTimeoutMs: 300 })
      await rig.serve(usual)
      const peer = await rig.rawClient('none')

      await rig.pass(299)
      const before = peer.ending
      await rig.pass(1)

      expect([before, peer.ending, ...peer.lines()]).toEqual(['open', 'closed', 'ERROR 0 INVALID_SETUP setup_timeout'])
    },
  },
  {
    number: 29,
    title: 'a server is silent before it has accepted',
    run: async ({ open }) => {
      const rig = open()
      await rig.serve(remote => {
        record(remote.call(single('unary', 'name')))
        return usual
      })
      const peer = await rig.rawClient('none')
      await rig.pass(1000)
      const before = peer.lines()

      peer.setup()
      await rig.settle()

      expect([before, peer.lines()]).toEqual([[], ['REQUEST_RESPONSE 2']])
    },
  },
  {
    number: 30,
    title: 'SETUP reaches the acceptor byte for byte',
    run: async ({ open }) => {
      const attributes = { zone: 'eu', 'client-id': 'é\u0000\uffff🙂' }
      const codec = bytesAs('x'.repeat(255))
      const rig = open({ codec, keepAliveMs: 500, maxLifetimeMs: 1500 })
      await rig.serve(answering({ echo: ({ body }: { body: unknown }) => of(messageOf(body)) }))
      const { connection } = await rig.connect({ attributes })
      const reply = record(connection.call(single('unary', 'echo', Uint8Array.of(1))))
      await rig.settle()
      const client = await open({ codec, keepAliveMs: 500, maxLifetimeMs: 1500 }).rawServer()

      const refused = thrownBy(() => rsocket(memoryTransport(), { codec: bytesAs('x'.repeat(256)) }))

      expect({ ...rig.accepted[0]?.attributes }).toEqual(attributes)
      expect(bodiesOf(reply)).toEqual([Uint8Array.of(1)])
      expect(client.setup).toEqual(
        joined(
          setupFrame({
            keepAliveMs: 500,
            maxLifetimeMs: 1500,
            dataType: codec.contentType,
            metadata: Uint8Array.of(0),
          }),
        ),
      )
      expect(refused).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_options' })
    },
  },
]
