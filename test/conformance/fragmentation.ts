import { messageOf, type Message } from 'millrace/core'
import type { Call } from 'millrace/protocol'
import { paced } from 'millrace/streams'
import { NEVER, of, Subject, tap, type Observable } from 'rxjs'
import { expect } from 'vitest'
import { flagBits, readFrame, type FrameParts } from '../support/raw-frame.js'
import { text } from '../support/raw-peer.js'
import { record } from '../support/recording.js'
import { answering, bodiesOf, single, streaming } from '../support/virtual-wire.js'
import { fragmentsOf } from './fragments.js'
import { usual } from './handlers.js'
import type { Point } from './point.js'
import { requestTo } from './requests.js'
import type { Lab } from './rig.js'

const fragmentBytes = 64
const long = (length: number): string => 'abcdefghij'.repeat(Math.ceil(length / 10)).slice(0, length)

/** Metadata of an item of which a header says that `a` is `b`. */
const itemMetadata = Uint8Array.from([4, 1, ...text('a'), ...text('b'.repeat(20))])

/** How payloads are cut: into single bytes, with metadata over several fragments and ending within one, and whole. */
const SIZES = [1, 5, 17, 1000]

const REQUESTS: readonly FrameParts[] = [
  { type: 'REQUEST_RESPONSE' },
  { type: 'REQUEST_FNF' },
  { type: 'REQUEST_STREAM', word: 5 },
  { type: 'REQUEST_CHANNEL', word: 5 },
]

/** What the handlers of requests in fragments were given. */
async function requestsInFragments(open: Lab['open'], size: number): Promise<string[]> {
  const rig = open()
  const calls: string[] = []
  const seen = (call: Call): Observable<Message> => {
    const body = 'messages' in call ? 'requests' : String(call.body)
    calls.push(`${call.kind} ${call.route.endpoint} ${body}`)
    if ('messages' in call) record(call.messages.pipe(tap(({ body: item }) => calls.push(`item ${String(item)}`))))
    return NEVER
  }
  await rig.serve(answering({ called: seen }))
  const peer = await rig.rawClient()
  REQUESTS.forEach((parts, index) => {
    const request = requestTo('called', { ...parts, id: 1 + 2 * index, data: '"payload"' })
    for (const fragment of fragmentsOf(request, size)) peer.send(fragment)
  })
  await rig.settle()
  for (const fragment of fragmentsOf({ type: 'PAYLOAD', id: 7, flags: 'N', data: '"item"' }, size)) peer.send(fragment)
  await rig.settle()
  expect(peer.lines().filter(line => line.startsWith('ERROR'))).toEqual([])
  return calls
}

/** What a caller gets of items in fragments: with metadata and data, data alone, metadata alone. */
async function itemsInFragments(open: Lab['open'], size: number): Promise<Message[]> {
  const rig = open()
  const { connection, peer } = await rig.rawServer()
  const replies = record(connection.call(single('serverStream', 'a')))
  await rig.settle()
  const items: readonly FrameParts[] = [
    { type: 'PAYLOAD', id: 1, flags: 'N', metadata: itemMetadata, data: '"both"' },
    { type: 'PAYLOAD', id: 1, flags: 'N', data: '"data alone"' },
    { type: 'PAYLOAD', id: 1, flags: 'N', metadata: METADATA_ALONE },
    { type: 'PAYLOAD', id: 1, flags: 'NC', data: '"end"' },
  ]
  for (const fragment of items.flatMap(item => fragmentsOf(item, size))) peer.send(fragment)
  await rig.settle()
  expect([replies.error, replies.completed]).toEqual([undefined, true])
  return replies.values
}

/** A header, and the bit that says that there is no body. */
const METADATA_ALONE = Uint8Array.from([4 | 8, 1, ...text('a'), ...text('b'.repeat(20))])

export const fragmentation: readonly Point[] = [
  {
    number: 66,
    title: 'payloads of all five types are put together',
    run: async ({ open }) => {
      for (const size of SIZES) {
        const calls = await requestsInFragments(open, size)
        const items = await itemsInFragments(open, size)

        expect([size, calls.toSorted()]).toEqual([
          size,
          [
            'duplex called requests',
            'item item',
            'serverStream called payload',
            'tell called payload',
            'unary called payload',
          ],
        ])
        const header = { a: 'b'.repeat(20) }
        expect(items.map(item => [{ ...item.header }, item.body])).toEqual([
          [header, 'both'],
          [{}, 'data alone'],
          [header, undefined],
          [{}, 'end'],
        ])
      }
    },
  },
  {
    number: 67,
    title: 'payloads of several streams may come interleaved',
    run: async ({ open }) => {
      const rig = open()
      await rig.serve(usual)
      const peer = await rig.rawClient()
      const ids = [1, 3, 5, 7]
      const queues = ids.map(id =>
        fragmentsOf(
          requestTo('echo', { type: 'REQUEST_RESPONSE', id, data: JSON.stringify(`${id}`.repeat(id * 9)) }),
          7,
        ),
      )

      for (let more = true; more;) {
        more = false
        for (const queue of queues) {
          const fragment = queue.shift()
          if (fragment !== undefined) peer.send(fragment)
          more ||= fragment !== undefined
        }
        peer.send({ type: 'KEEPALIVE', data: '12345678' })
      }
      await rig.settle()

      expect(peer.lines()).toEqual(ids.map(id => `PAYLOAD ${id} NC "${`${id}`.repeat(id * 9)}"`))
    },
  },
  {
    number: 68,
    title: 'CANCEL drops what has come of a payload',
    run: async ({ open }) => {
      const rig = open()
      const calls: Call[] = []
      const heard: unknown[] = []
      const handler = (call: Call): Observable<Message> => {
        calls.push(call)
        if ('messages' in call) call.messages.subscribe({ next: ({ body }) => heard.push(body), error: () => {} })
        return NEVER
      }
      await rig.serve(answering({ handler, echo: ({ body }) => of(messageOf(body)) }))
      const peer = await rig.rawClient()

      for (const { type, ...parts } of REQUESTS) {
        const fragments = fragmentsOf(requestTo('handler', { type, ...parts, id: 1, data: '"abc"' }), 9)
        for (const fragment of fragments.slice(0, -1)) peer.send(fragment)
        peer.send({ type: 'CANCEL', id: 1 })
        for (const fragment of fragments.slice(-1)) peer.send(fragment)
      }
      peer.request('REQUEST_RESPONSE', 1, 'echo', { body: 'anew' })
      await rig.settle()
      const anew = peer.lines()
      peer.request('REQUEST_CHANNEL', 3, 'handler', { n: 5 })
      await rig.settle()
      for (const fragment of fragmentsOf({ type: 'PAYLOAD', id: 3, flags: 'N', data: '"item"' }, 2).slice(0, -1)) {
        peer.send(fragment)
      }
      peer.send({ type: 'CANCEL', id: 3 })
      await rig.settle()

      expect([anew, peer.ending]).toEqual([['PAYLOAD 1 NC "anew"'], 'open'])
      expect([calls.length, heard, rig.accepted[0]?.running]).toEqual([1, [], 0])
    },
  },
  {
    number: 69,
    title: 'F beside C is ignored',
    run: async ({ open }) => {
      const rig = open()
      const { connection, peer } = await rig.rawServer()
      const replies = record(connection.call(single('serverStream', 'a')))
      const reply = record(connection.call(single('unary', 'a')))
      await rig.settle()

      peer.send({ type: 'PAYLOAD', id: 1, flags: 'N', data: '1' })
      peer.send({ type: 'PAYLOAD', id: 1, flags: 'NCF', data: '2' })
      peer.send({ type: 'PAYLOAD', id: 3, flags: 'NCF', data: '3' })
      await rig.settle()

      expect([bodiesOf(replies), replies.completed]).toEqual([[1, 2], true])
      expect([bodiesOf(reply), reply.completed]).toEqual([[3], true])
    },
  },
  {
    number: 70,
    title: 'a payload costs one credit, however many its fragments',
    run: async ({ open }) => {
      const rig = open({ window: 2 })
      const { connection, peer } = await rig.rawServer()
      const replies = record(connection.call(single('serverStream', 'a')))
      await rig.settle()
      for (const data of ['"one"', '"two"']) {
        for (const fragment of fragmentsOf({ type: 'PAYLOAD', id: 1, flags: 'N', data }, 1)) peer.send(fragment)
      }
      await rig.settle()
      const serving = open({ fragmentBytes })
      await serving.serve(answering({ longs: () => paced([1, 2, 3].map(() => messageOf(long(200)))) }))
      const client = await serving.rawClient()
      client.request('REQUEST_STREAM', 1, 'longs', { n: 2 })
      await serving.settle()
      const sent = client.received.map(readFrame)

      expect([bodiesOf(replies), replies.error]).toEqual([['one', 'two'], undefined])
      expect(sent.length).toBeGreaterThan(4)
      expect(sent.filter(({ flags }) => (flags & flagBits.F) === 0)).toHaveLength(2)
      expect(sent.reduce((sum, { data }) => sum + data.length, 0)).toBe(2 * 202)
    },
  },
  {
    number: 71,
    title: 'over a cap the stream ends, nothing else',
    run: async ({ open }) => {
      const rig = open({ maxPayloadBytes: 1000, maxReassemblyBytes: 1500, maxReassemblies: 3 })
      await rig.serve(usual)
      const peer = await rig.rawClient()
      const begun = (id: number, bytes: number): readonly FrameParts[] =>
        fragmentsOf(requestTo('echo', { type: 'REQUEST_RESPONSE', id, data: long(bytes) }), 100).slice(0, -1)
      const failures = async (...frames: readonly FrameParts[]): Promise<string[]> => {
        for (const frame of frames) peer.send(frame)
        await rig.settle()
        const lines = peer.lines()
        for (const id of [1, 3, 5, 7]) peer.send({ type: 'CANCEL', id })
        return lines
      }

      const tooLarge = await failures(...begun(1, 2000))
      const tooMuch = await failures(...begun(1, 900), ...begun(3, 900))
      const tooMany = await failures(...[1, 3, 5, 7].flatMap(id => begun(id, 100)))
      peer.request('REQUEST_RESPONSE', 9, 'echo', { body: 'a' })
      await rig.settle()
      const calling = open({ maxPayloadBytes: 1000 })
      const client = await calling.rawServer()
      const replies = record(client.connection.call(single('serverStream', 'a')))
      await calling.settle()
      for (const item of fragmentsOf({ type: 'PAYLOAD', id: 1, flags: 'N', data: long(2000) }, 100)) {
        client.peer.send(item)
      }
      await calling.settle()

      expect(tooLarge).toEqual(['ERROR 1 INVALID payload_too_large'])
      expect(tooMuch).toEqual(['ERROR 3 INVALID reassembly_full'])
      expect(tooMany).toEqual(['ERROR 7 INVALID reassembly_full'])
      expect([...peer.lines(), peer.ending]).toEqual(['PAYLOAD 9 NC "a"', 'open'])
      expect(replies.error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'payload_too_large' })
      expect([client.peer.lines().at(-1), client.peer.ending]).toEqual(['CANCEL 1', 'open'])
    },
  },
  {
    number: 72,
    title: 'our fragments carry N, those of others need not',
    run: async ({ open }) => {
      const rig = open({ fragmentBytes })
      await rig.serve(usual)
      const peer = await rig.rawClient()
      for (const fragment of fragmentsOf(
        requestTo('echo', { type: 'REQUEST_RESPONSE', id: 1, data: JSON.stringify(long(300)) }),
        50,
        '',
      )) {
        peer.send(fragment)
      }
      await rig.settle()
      const calling = open({ fragmentBytes })
      const client = await calling.rawServer()
      record(client.connection.call(single('unary', 'a', long(300))))
      const requests$ = new Subject<unknown>()
      record(client.connection.call(streaming('duplex', 'a', requests$)))
      await calling.settle()
      client.peer.send({ type: 'REQUEST_N', id: 3, word: 5 })
      await calling.settle()
      requests$.next(long(300))
      await calling.settle()

      const answer = peer.received.map(readFrame)
      expect(Buffer.concat(answer.map(({ data }) => data)).toString()).toBe(JSON.stringify(long(300)))
      const payloads = [...peer.received, ...client.peer.received]
        .map(readFrame)
        .filter(({ type }) => type === 'PAYLOAD')
      expect(payloads.length).toBeGreaterThan(12)
      for (const { flags } of payloads) expect(flags & flagBits.N).toBe(flagBits.N)
    },
  },
]
