import { messageOf, type Message } from 'millrace/core'
import { paced } from 'millrace/streams'
import { map, NEVER, Subject, type Observable } from 'rxjs'
import { expect } from 'vitest'
import { lineOf, readFrame } from '../support/raw-frame.js'
import { record } from '../support/recording.js'
import { answering, bodiesOf, single, streaming } from '../support/virtual-wire.js'
import { sendHostileFrames } from './hostility.js'
import type { Point } from './point.js'

/** Large ones are held back between millrace peers until others are consumed, whatever the credit. */
const ITEM_BYTES = 16_000
const UNBOUNDED = 0x7fff_ffff

/** Number of the point about hostile frames. */
export const HOSTILE_FRAMES = 88

export const close: readonly Point[] = [
  {
    number: 78,
    title: 'CONNECTION_CLOSE lets running streams finish',
    run: async ({ open }) => {
      const rig = open({ closeTimeoutMs: 50 })
      const items$ = new Subject<string>()
      const { binding } = await rig.serve(answering({ items: () => items$.pipe(map(messageOf)) }))
      const { connection, lifetime } = await rig.connect()
      const replies = record(connection.call(single('serverStream', 'items')))
      const calling = open()
      const client = await calling.rawServer()
      const running = record(client.connection.call(single('serverStream', 'items')))
      await rig.settle()
      await calling.settle()

      const drained = record(binding.drain())
      client.peer.send({ type: 'ERROR', word: 0x102, data: 'going down' })
      await rig.pass(1000)
      await calling.settle()
      const before = [drained.completed, lifetime.completed, client.peer.ending]
      items$.next('last')
      items$.complete()
      client.peer.item(1, 'last', 'NC')
      await rig.pass(50)
      await calling.settle()

      expect(before).toEqual([false, false, 'open'])
      expect([bodiesOf(replies), replies.completed]).toEqual([['last'], true])
      expect([bodiesOf(running), running.completed]).toEqual([['last'], true])
      expect([drained.completed, lifetime.completed, client.peer.ending]).toEqual([true, true, 'closed'])
    },
  },
  {
    number: 79,
    title: 'CONNECTION_ERROR ends everything at once',
    run: async ({ open }) => {
      const rig = open()
      const { connection, peer, lifetime } = await rig.rawServer()
      const calls = [
        single('unary', 'a'),
        single('serverStream', 'a'),
        streaming('duplex', 'a', NEVER),
        streaming('clientStream', 'a', NEVER),
      ].map(call => record(connection.call(call)))
      const serving = open()
      const work$ = new Subject<never>()
      await serving.serve(answering({ work: () => work$ }))
      const client = await serving.rawClient()
      client.request('REQUEST_STREAM', 1, 'work', { n: 1 })
      await rig.settle()
      await serving.settle()

      for (const each of [peer, client]) each.send({ type: 'ERROR', word: 0x101, data: 'broken' })
      await rig.settle()
      await serving.settle()

      const lost = { code: 'UNAVAILABLE', reason: 'connection_lost', cause: { rawMessage: 'broken' } }
      expect([...calls, lifetime].map(({ error }) => error)).toMatchObject([lost, lost, lost, lost, lost])
      expect([peer.ending, client.ending, work$.observed]).toEqual(['closed', 'closed', false])
    },
  },
  {
    number: 85,
    title: 'the frames of a stream keep their order',
    run: async ({ open }) => {
      const rig = open({ fragmentBytes: 64 })
      const sizes = [1, 200, 10, 90, 500, 3]
      const items = (prefix: string): string[] =>
        Array.from({ length: 60 }, (_, index) => `${prefix}${index} `.repeat(sizes[index % sizes.length] ?? 1))
      await rig.serve(
        answering({
          items: ({ body }) => paced(items(String(body)).map(messageOf)),
          echo: ({ messages }) => messages,
        }),
      )
      const { connection } = await rig.connect()

      const streams = ['a', 'b', 'c'].map(prefix => record(connection.call(single('serverStream', 'items', prefix))))
      const echoed = record(connection.call(streaming('duplex', 'echo', paced(items('d')))))
      await rig.settle()

      expect(streams.map(bodiesOf)).toEqual(['a', 'b', 'c'].map(items))
      expect(bodiesOf(echoed)).toEqual(items('d'))
    },
  },
  {
    number: 86,
    title: 'a stream without end starves no connection frame',
    run: async ({ open }) => {
      const rig = open({}, { highWaterMarkBytes: 65_536 })
      const source = countedItems(1000)
      await rig.serve(answering({ items: source.items }))
      const peer = await rig.rawClient()
      const asked = peer.received.length

      peer.request('REQUEST_STREAM', 1, 'items', { n: UNBOUNDED })
      peer.send({ type: 'KEEPALIVE', flags: 'R', data: '12345678' })
      await rig.settle()

      const lines = peer.received.slice(asked).map(lineOf)
      expect(lines.at(-1)).toBe('PAYLOAD 1 C')
      expect(lines.findIndex(line => line === 'KEEPALIVE answer')).toBeGreaterThanOrEqual(0)
      expect(lines.findIndex(line => line === 'KEEPALIVE answer')).toBeLessThan(lines.length / 2)
    },
  },
  {
    number: 87,
    title: 'a socket that takes no more pauses streams',
    run: async ({ open }) => {
      const rig = open({}, { highWaterMarkBytes: 65_536 })
      const source = countedItems(2000)
      await rig.serve(answering({ items: source.items }))
      const idle = await rig.unread()
      idle.request('REQUEST_STREAM', 1, 'items', { n: UNBOUNDED })
      await rig.settle()
      const taken = source.taken()
      await rig.pass(1000)
      const later = source.taken()

      idle.read()
      await rig.settle()

      // What a system buffers is its own matter; the rest waits in the source.
      expect(taken).toBeLessThan(1500)
      expect(later).toBe(taken)
      expect(idle.received.map(readFrame).filter(({ type }) => type === 'PAYLOAD')).toHaveLength(2001)
    },
  },
  {
    number: HOSTILE_FRAMES,
    title: 'random frames harm neither process nor bystander',
    run: lab => sendHostileFrames(lab, lab.thorough ? (lab.network === 'memory' ? 1_000_000 : 10_000) : 500),
  },
]

/** A source that is pulled, and how many items have been taken from it. */
function countedItems(count: number): { readonly items: () => Observable<Message>; readonly taken: () => number } {
  const item = messageOf('x'.repeat(ITEM_BYTES))
  let taken = 0
  function* items(): Generator<Message> {
    for (; taken < count; taken++) yield item
  }
  return { items: () => paced(items()), taken: () => taken }
}
