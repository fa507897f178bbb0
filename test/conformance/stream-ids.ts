import type { Connection, Call } from 'millrace/protocol'
import { NEVER } from 'rxjs'
import { expect } from 'vitest'
import { first } from '../support/first.js'
import { readFrame, type FrameParts } from '../support/raw-frame.js'
import type { RawPeer } from '../support/raw-peer.js'
import { routeMetadata } from '../support/raw-peer.js'
import { record } from '../support/recording.js'
import { bodiesOf, single, streaming } from '../support/virtual-wire.js'
import { usual } from './handlers.js'
import type { Point } from './point.js'
import type { Rig } from './rig.js'

const MANY = 1_000_000
const FEWER = 10_000
const SLICE = 1000

function idsOf(peer: RawPeer): number[] {
  return peer.received.map(frame => readFrame(frame).id)
}

/** A server engine that calls its client, which is a peer by hand. */
async function calledBack(rig: Rig): Promise<{ peer: RawPeer; connection: Connection }> {
  await rig.serve(usual)
  const peer = await rig.rawClient()
  return { peer, connection: first(rig.accepted) }
}

/** Frames about streams that are not there. */
const stray: readonly FrameParts[] = [9, 8, 0x7fff_ffff].flatMap((id): FrameParts[] => [
  { type: 'PAYLOAD', id, flags: 'N', data: '1' },
  { type: 'PAYLOAD', id, flags: 'C' },
  { type: 'CANCEL', id },
  { type: 'ERROR', id, word: 0x201 },
  { type: 'REQUEST_N', id, word: 5 },
])

export const streamIds: readonly Point[] = [
  {
    number: 36,
    title: 'ids of a client are odd, of a server even',
    run: async ({ open }) => {
      const rig = open()
      const client = await rig.rawServer()
      const calling = open()
      const server = await calledBack(calling)
      const calls: readonly Call[] = [
        single('unary', 'a'),
        single('serverStream', 'a'),
        single('tell', 'a'),
        streaming('duplex', 'a', NEVER),
      ]

      for (const call of calls) {
        record(client.connection.call(call))
        record(server.connection.call(call))
      }
      await rig.settle()
      await calling.settle()

      expect([idsOf(client.peer), idsOf(server.peer)]).toEqual([
        [1, 3, 5, 7],
        [2, 4, 6, 8],
      ])
    },
  },
  {
    number: 37,
    title: 'a request on an id in use is ignored',
    run: async ({ open }) => {
      const rig = open()
      await rig.serve(usual)
      const peer = await rig.rawClient()
      peer.request('REQUEST_STREAM', 1, 'numbers', { n: 1 })

      for (const type of ['REQUEST_STREAM', 'REQUEST_CHANNEL', 'REQUEST_RESPONSE', 'REQUEST_FNF'] as const) {
        const n = type === 'REQUEST_STREAM' || type === 'REQUEST_CHANNEL' ? { n: 5 } : {}
        peer.request(type, 1, 'fails', { ...n, body: 'other' })
      }
      peer.send({ type: 'REQUEST_N', id: 1, word: 1 })
      await rig.settle()

      expect([...peer.lines(), peer.ending]).toEqual(['PAYLOAD 1 N 0', 'PAYLOAD 1 N 1', 'open'])
      expect(rig.accepted[0]).toHaveProperty('running', 1)
    },
  },
  {
    number: 38,
    title: 'frames about unknown streams are ignored',
    run: async ({ open }) => {
      const rig = open()
      await rig.serve(usual)
      const peer = await rig.rawClient()
      const calling = open()
      const client = await calling.rawServer()

      for (const frame of stray) {
        peer.send(frame)
        client.peer.send(frame)
      }
      peer.request('REQUEST_RESPONSE', 1, 'echo', { body: 'a' })
      await rig.settle()
      await calling.settle()

      expect([...peer.lines(), peer.ending]).toEqual(['PAYLOAD 1 NC "a"', 'open'])
      expect([client.peer.lines(), client.peer.ending, client.lifetime.error]).toEqual([[], 'open', undefined])
      expect([...rig.log, ...calling.log]).toEqual([])
    },
  },
  {
    number: 39,
    title: 'CANCEL and PAYLOAD on the connection are ignored',
    run: async ({ open }) => {
      const rig = open()
      await rig.serve(usual)
      const peer = await rig.rawClient()

      peer.send({ type: 'CANCEL' })
      for (const flags of ['N', 'C', 'NC']) peer.send({ type: 'PAYLOAD', flags, data: '1' })
      peer.request('REQUEST_RESPONSE', 1, 'echo', { body: 'a' })
      await rig.settle()

      expect([...peer.lines(), peer.ending]).toEqual(['PAYLOAD 1 NC "a"', 'open'])
    },
  },
  {
    number: 40,
    title: 'a request on an id of ours is an error',
    run: async ({ open }) => {
      for (const type of ['REQUEST_RESPONSE', 'REQUEST_FNF', 'REQUEST_STREAM', 'REQUEST_CHANNEL'] as const) {
        const n = type === 'REQUEST_STREAM' || type === 'REQUEST_CHANNEL' ? { word: 5 } : {}
        const request: FrameParts = { type, ...n, metadata: routeMetadata('echo'), data: '1' }
        const calls: Call[] = []
        const counting = { call: (call: Call) => (calls.push(call), NEVER) }
        const rig = open()
        await rig.serve(counting)
        const peer = await rig.rawClient()
        const calling = open()
        const client = await calling.rawServer({}, counting)

        peer.send({ ...request, id: 2 })
        client.peer.send({ ...request, id: 1 })
        await rig.settle()
        await calling.settle()

        const fatal = ['ERROR 0 CONNECTION_ERROR malformed_frame', 'closed']
        expect([...peer.lines(), peer.ending]).toEqual(fatal)
        expect([...client.peer.lines(), client.peer.ending]).toEqual(fatal)
        expect(calls).toEqual([])
      }
    },
  },
  {
    number: 41,
    title: 'ids begin anew at the end, without those in use',
    run: async ({ open }) => {
      const rig = open()
      const client = await rig.rawServer()
      const calling = open()
      const server = await calledBack(calling)
      const open1 = record(client.connection.call(single('unary', 'a')))
      const open2 = record(server.connection.call(single('unary', 'a')))
      Reflect.set(client.connection, 'nextId', 0x7fff_fffd)
      Reflect.set(server.connection, 'nextId', 0x7fff_fffc)

      for (let index = 0; index < 3; index++) {
        record(client.connection.call(single('unary', 'a')))
        record(server.connection.call(single('unary', 'a')))
      }
      await rig.settle()
      await calling.settle()
      client.peer.item(1, 'first', 'NC')
      server.peer.item(2, 'first', 'NC')
      await rig.settle()
      await calling.settle()

      expect(idsOf(client.peer)).toEqual([1, 0x7fff_fffd, 0x7fff_ffff, 3])
      expect(idsOf(server.peer)).toEqual([2, 0x7fff_fffc, 0x7fff_fffe, 4])
      expect([bodiesOf(open1), bodiesOf(open2)]).toEqual([['first'], ['first']])
    },
  },
  {
    number: 42,
    title: 'sequential calls without end leave no stream behind',
    run: async ({ open, network, thorough }) => {
      const rig = open()
      await rig.serve(usual)
      const { connection } = await rig.connect()
      const count = thorough ? (network === 'memory' ? MANY : FEWER) : SLICE
      let ended = 0
      const calls: readonly Call[] = [
        ...Array.from({ length: 9 }, () => single('unary', 'echo', 1)),
        single('serverStream', 'empty'),
      ]
      const next = (): void => {
        const call = first(calls.slice(ended % calls.length))
        connection.call(call).subscribe({ complete: again })
      }
      const again = (): void => {
        ended++
        if (ended % SLICE !== 0) next()
      }

      while (ended < count) {
        next()
        await rig.settle()
      }

      expect(ended).toBe(count)
      expect([connection.running, rig.accepted[0]?.running]).toEqual([0, 0])
      expect(tableOf(connection).size + tableOf(rig.accepted[0]).size).toBe(0)
    },
  },
  {
    number: 43,
    title: 'what was on its way when we cancelled is ignored',
    run: async ({ open }) => {
      const rig = open()
      const { connection, peer, lifetime } = await rig.rawServer()
      const calls = [
        single('unary', 'a'),
        single('serverStream', 'a'),
        streaming('duplex', 'a', NEVER),
        streaming('clientStream', 'a', NEVER),
      ].map(call => record(connection.call(call)))
      await rig.settle()

      for (const { subscription } of calls) subscription.unsubscribe()
      for (let round = 0; round < 100; round++) {
        for (const id of [1, 3, 5, 7]) {
          peer.item(id, 'late')
          peer.send({ type: 'REQUEST_N', id, word: 1 })
          peer.item(id, 'late', 'NC')
          peer.send({ type: 'ERROR', id, word: 0x201, data: 'late' })
        }
      }
      await rig.settle()

      expect(peer.lines().slice(4)).toEqual([1, 3, 5, 7].map(id => `CANCEL ${id}`))
      expect(calls.map(({ values, error }) => [values, error])).toEqual(calls.map(() => [[], undefined]))
      expect([connection.running, lifetime.error, rig.log]).toEqual([0, undefined, []])
    },
  },
]

/** The table of streams of an engine's connection. */
function tableOf(connection: Connection | undefined): ReadonlyMap<number, unknown> {
  return Reflect.get(connection ?? {}, 'streams') as ReadonlyMap<number, unknown>
}
