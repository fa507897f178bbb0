import { Subject } from 'rxjs'
import { expect } from 'vitest'
import { frameBytes } from '../support/raw-frame.js'
import { record } from '../support/recording.js'
import { answering, single } from '../support/virtual-wire.js'
import { usual } from './handlers.js'
import type { Point } from './point.js'

const NO_POSITION = '\0'.repeat(8)

export const keepalive: readonly Point[] = [
  {
    number: 31,
    title: 'a client asks all the time whether all is well',
    run: async ({ open }) => {
      const rig = open({ keepAliveMs: 150, maxLifetimeMs: 300 })
      const { peer } = await rig.rawServer()

      for (let round = 0; round < 10; round++) {
        await rig.pass(150)
        peer.send({ type: 'KEEPALIVE', data: NO_POSITION })
      }

      expect(peer.lines()).toEqual(Array.from({ length: 10 }, () => 'KEEPALIVE ask'))
    },
  },
  {
    number: 32,
    title: 'a question is answered once, with its data',
    run: async ({ open }) => {
      const rig = open()
      await rig.serve(usual)
      const client = await rig.rawClient()
      const calling = open()
      const server = await calling.rawServer()
      const long = 'ka'.repeat(1000)

      for (const peer of [client, server.peer]) {
        peer.send({ type: 'KEEPALIVE', flags: 'R', data: `${NO_POSITION}${long}` })
        peer.send({ type: 'KEEPALIVE', flags: 'R', data: NO_POSITION })
      }
      await rig.settle()
      await calling.settle()

      const answers = [long, ''].map(data => frameBytes({ type: 'KEEPALIVE', data: `${NO_POSITION}${data}` }))
      expect([client.received, server.peer.received]).toEqual([answers, answers])
    },
  },
  {
    number: 33,
    title: 'an answer is not answered',
    run: async ({ open }) => {
      const rig = open()
      await rig.serve(usual)
      const client = await rig.rawClient()
      const serving = open()
      const { peer } = await serving.rawServer()

      for (const each of [client, peer]) each.send({ type: 'KEEPALIVE', data: `${NO_POSITION}ka` })
      await rig.settle()
      await serving.settle()

      expect([client.lines(), peer.lines()]).toEqual([[], []])
    },
  },
  {
    number: 34,
    title: 'silence ends the connection and its streams',
    run: async ({ open }) => {
      const client = open({ keepAliveMs: 100, maxLifetimeMs: 1000 })
      const { connection, lifetime } = await client.rawServer()
      const reply = record(connection.call(single('unary', 'echo')))
      const serving = open()
      const work$ = new Subject<never>()
      await serving.serve(answering({ work: () => work$ }))
      const peer = await serving.rawClient({ keepAliveMs: 100, maxLifetimeMs: 1000 })
      peer.request('REQUEST_RESPONSE', 1, 'work')

      await client.pass(900)
      await serving.pass(900)
      const before = [lifetime.error, peer.ending, work$.observed]
      await client.pass(100)
      await serving.pass(100)

      expect(before).toEqual([undefined, 'open', true])
      expect([reply.error, lifetime.error]).toMatchObject([
        { reason: 'connection_lost' },
        { reason: 'connection_lost' },
      ])
      expect([peer.ending, work$.observed]).toEqual(['closed', false])
    },
  },
  {
    number: 35,
    title: 'KEEPALIVE on a stream is ignored',
    run: async ({ open }) => {
      const rig = open()
      await rig.serve(usual)
      const peer = await rig.rawClient()

      peer.send({ type: 'KEEPALIVE', id: 1, flags: 'R', data: `${NO_POSITION}ka` })
      peer.request('REQUEST_RESPONSE', 1, 'echo', { body: 'a' })
      await rig.settle()

      expect([...peer.lines(), peer.ending]).toEqual(['PAYLOAD 1 NC "a"', 'open'])
    },
  },
]
