import { messageOf, type Message } from 'millrace/core'
import type { StreamingCall } from 'millrace/protocol'
import { compositeMetadata } from 'millrace/protocol/rsocket'
import { concat, finalize, ignoreElements, merge, NEVER, of, Subject, take, tap, type Observable } from 'rxjs'
import { expect } from 'vitest'
import type { RawPeer } from '../support/raw-peer.js'
import { record, type Recording } from '../support/recording.js'
import { answering, bodiesOf, streaming } from '../support/virtual-wire.js'
import { usual } from './handlers.js'
import type { Point } from './point.js'
import type { Lab, Rig } from './rig.js'

/** A channel of an engine with a peer by hand that answers. */
interface OwnChannel {
  readonly rig: Rig
  readonly peer: RawPeer
  readonly requests$: Subject<unknown>
  readonly replies: Recording<Message>
  running(): number
}

async function ownChannel(open: Lab['open']): Promise<OwnChannel> {
  const rig = open({ window: 8 })
  const { connection, peer } = await rig.rawServer()
  const requests$ = new Subject<unknown>()
  const replies = record(connection.call(streaming('duplex', 'echo', requests$)))
  await rig.settle()
  peer.lines()
  return { rig, peer, requests$, replies, running: () => connection.running }
}

/** A channel of a peer by hand with an engine that answers. */
interface TheirChannel {
  readonly rig: Rig
  readonly peer: RawPeer
  readonly replies$: Subject<Message>
  readonly heard: string[]
  running(): number | undefined
}

async function theirChannel(open: Lab['open']): Promise<TheirChannel> {
  const rig = open({ window: 4 })
  const replies$ = new Subject<Message>()
  const heard: string[] = []
  const handler = ({ messages }: StreamingCall): Observable<Message> =>
    merge(
      replies$.pipe(finalize(() => heard.push('replies torn down'))),
      messages.pipe(
        tap({
          next: ({ body }) => heard.push(`request ${String(body)}`),
          complete: () => heard.push('requests complete'),
          error: () => heard.push('requests fail'),
        }),
        ignoreElements(),
      ),
    )
  await rig.serve(answering({ handler }))
  const peer = await rig.rawClient()
  peer.request('REQUEST_CHANNEL', 1, 'handler', { n: 10 })
  await rig.settle()
  peer.lines()
  return { rig, peer, replies$, heard, running: () => rig.accepted[0]?.running }
}

/** What ends the requests of a channel, and what its replies. */
const REQUEST_ENDS = ['requests complete', 'requests cancelled', 'requests fail'] as const
const REPLY_ENDS = ['replies complete', 'replies cancelled', 'replies fail'] as const

type Half = (typeof REQUEST_ENDS)[number] | (typeof REPLY_ENDS)[number]

/** These end both halves: ERROR of either side, and CANCEL of the requester. */
const ENDS_BOTH: readonly Half[] = ['requests fail', 'replies cancelled', 'replies fail']

export const channel: readonly Point[] = [
  {
    number: 57,
    title: 'one REQUEST_CHANNEL, and no more before REQUEST_N',
    run: async ({ open }) => {
      for (const metadata of ['compact', 'composite'] as const) {
        const rig = open({ window: 8, ...(metadata === 'composite' && { metadata: compositeMetadata() }) })
        const { connection, peer } = await rig.rawServer()
        record(connection.call(streaming('duplex', 'echo', concat(of(1, 2, 3), NEVER))))
        await rig.settle()
        const before = peer.lines()
        peer.send({ type: 'REQUEST_N', id: 1, word: 2 })
        await rig.settle()

        // Between millrace peers the first frame is the route alone, so that the call begins before its first request.
        const ridesAlong = metadata === 'composite'
        expect(before).toEqual([ridesAlong ? 'REQUEST_CHANNEL 1 n=8 1' : 'REQUEST_CHANNEL 1 n=8'])
        expect(peer.lines()).toEqual((ridesAlong ? [2, 3] : [1, 2]).map(item => `PAYLOAD 1 N ${item}`))
      }
    },
  },
  {
    number: 58,
    title: 'a responder that takes requests says REQUEST_N',
    run: async ({ open }) => {
      const rig = open({ window: 4 })
      await rig.serve(usual)
      const peer = await rig.rawClient()

      peer.request('REQUEST_CHANNEL', 1, 'echo', { n: 10 })
      await rig.settle()
      const first = peer.lines()
      for (let item = 0; item < 4; item++) peer.item(1, item)
      await rig.settle()

      expect(first).toEqual(['REQUEST_N 1 n=4'])
      expect(peer.lines().filter(line => line.startsWith('REQUEST_N'))).not.toEqual([])
    },
  },
  {
    number: 59,
    title: 'C ends one direction, the other goes on by credit',
    run: async ({ open }) => {
      const own = await ownChannel(open)
      own.requests$.complete()
      for (let item = 0; item < 20; item++) {
        own.peer.item(1, item)
        await own.rig.settle()
      }
      const theirs = await theirChannel(open)
      theirs.peer.send({ type: 'PAYLOAD', id: 1, flags: 'C' })
      for (let item = 0; item < 12; item++) theirs.replies$.next(messageOf(item))
      await theirs.rig.settle()
      const items = theirs.peer.lines()
      theirs.peer.send({ type: 'REQUEST_N', id: 1, word: 1 })
      await theirs.rig.settle()

      expect(bodiesOf(own.replies)).toHaveLength(20)
      expect(own.peer.lines().filter(line => line.startsWith('REQUEST_N'))).not.toEqual([])
      expect([items.length, theirs.peer.lines(), theirs.heard]).toEqual([10, ['PAYLOAD 1 N 10'], ['requests complete']])
      expect([own.running(), theirs.running()]).toEqual([1, 1])
    },
  },
  {
    number: 60,
    title: 'C may be on REQUEST_CHANNEL itself',
    run: async ({ open }) => {
      const rig = open()
      await rig.serve(
        answering({ after: ({ messages }: StreamingCall) => concat(messages, of(messageOf('complete'))) }),
      )
      const peer = await rig.rawClient()

      peer.request('REQUEST_CHANNEL', 1, 'after', { n: 5, flags: 'C' })
      await rig.settle()

      expect(peer.lines().filter(line => !line.startsWith('REQUEST_N'))).toEqual([
        'PAYLOAD 1 N "complete"',
        'PAYLOAD 1 C',
      ])
      expect(rig.accepted[0]?.running).toBe(0)
    },
  },
  {
    number: 61,
    title: 'ERROR from either side ends both directions',
    run: async ({ open }) => {
      const own = await ownChannel(open)
      own.peer.send({ type: 'ERROR', id: 1, word: 0x201, data: 'no' })
      await own.rig.settle()
      const failing = await ownChannel(open)
      failing.requests$.error(new TypeError('own'))
      await failing.rig.settle()
      const theirs = await theirChannel(open)
      theirs.peer.send({ type: 'ERROR', id: 1, word: 0x201, data: 'no' })
      await theirs.rig.settle()
      const answered = await theirChannel(open)
      answered.replies$.error(new TypeError('a'))
      await answered.rig.settle()

      expect([own.replies.error?.rawMessage, own.requests$.observed, own.running()]).toEqual(['no', false, 0])
      expect(failing.peer.lines()).toEqual([expect.stringMatching(/^ERROR 1 /)])
      expect([failing.replies.error, failing.running()]).toEqual([new TypeError('own'), 0])
      expect([theirs.heard, theirs.replies$.observed, theirs.running()]).toEqual([['replies torn down'], false, 0])
      expect(answered.peer.lines().at(-1)).toMatch(/^ERROR 1 APPLICATION_ERROR/)
      expect(answered.running()).toBe(0)
    },
  },
  {
    number: 62,
    title: 'CANCEL from the requester ends both directions',
    run: async ({ open }) => {
      const own = await ownChannel(open)
      own.replies.subscription.unsubscribe()
      await own.rig.settle()
      const theirs = await theirChannel(open)
      theirs.peer.send({ type: 'CANCEL', id: 1 })
      await theirs.rig.settle()

      expect([own.peer.lines(), own.requests$.observed, own.running()]).toEqual([['CANCEL 1'], false, 0])
      expect([theirs.peer.lines(), theirs.replies$.observed, theirs.running()]).toEqual([[], false, 0])
      expect(theirs.heard).toContain('replies torn down')
    },
  },
  {
    number: 63,
    title: 'CANCEL from the responder ends only the requests',
    run: async ({ open }) => {
      const own = await ownChannel(open)
      own.peer.send({ type: 'CANCEL', id: 1 })
      own.peer.item(1, 'a')
      await own.rig.settle()
      const cancelled = [own.requests$.observed, bodiesOf(own.replies), own.running()]
      own.peer.send({ type: 'PAYLOAD', id: 1, flags: 'C' })
      await own.rig.settle()
      const rig = open()
      await rig.serve(answering({ one: ({ messages }: StreamingCall) => concat(messages.pipe(take(1)), NEVER) }))
      const peer = await rig.rawClient()
      peer.request('REQUEST_CHANNEL', 1, 'one', { n: 10 })
      await rig.settle()
      peer.item(1, 'a')
      await rig.settle()

      expect([cancelled, own.replies.completed, own.running()]).toEqual([[false, ['a'], 1], true, 0])
      expect(peer.lines().slice(1)).toEqual(['PAYLOAD 1 N "a"', 'CANCEL 1'])
      expect(rig.accepted[0]?.running).toBe(1)
    },
  },
  {
    number: 64,
    title: 'no PAYLOAD follows our own C',
    run: async ({ open }) => {
      const own = await ownChannel(open)
      own.peer.send({ type: 'REQUEST_N', id: 1, word: 10 })
      await own.rig.settle()
      own.requests$.next(1)
      own.requests$.complete()
      own.requests$.next(2)
      own.peer.send({ type: 'REQUEST_N', id: 1, word: 10 })
      await own.rig.settle()
      const theirs = await theirChannel(open)
      theirs.replies$.next(messageOf(1))
      theirs.peer.send({ type: 'PAYLOAD', id: 1, flags: 'C' })
      await theirs.rig.settle()
      theirs.replies$.complete()
      theirs.replies$.next(messageOf(2))
      theirs.peer.send({ type: 'REQUEST_N', id: 1, word: 10 })
      await theirs.rig.settle()

      for (const { peer } of [own, theirs]) expect(peer.lines()).toEqual(['PAYLOAD 1 N 1', 'PAYLOAD 1 C'])
    },
  },
  {
    number: 65,
    title: 'a channel is gone once both halves are done',
    run: async ({ open }) => {
      const pairs = REQUEST_ENDS.flatMap(requests => REPLY_ENDS.map((replies): [Half, Half] => [requests, replies]))
      for (const [first, second] of pairs.flatMap(([a, b]): [Half, Half][] => [
        [a, b],
        [b, a],
      ])) {
        const sizes = await sizesAround(open, first, second)

        expect([first, second, sizes]).toEqual([first, second, [1, ENDS_BOTH.includes(first) ? 0 : 1, 0]])
      }
    },
  },
]

/** How many streams a responder's table has at first and after each of two ends of a channel. */
async function sizesAround(open: Lab['open'], first: Half, second: Half): Promise<(number | undefined)[]> {
  const rig = open()
  const replies$ = new Subject<Message>()
  const stop$ = new Subject<void>()
  const handler = ({ messages }: StreamingCall): Observable<Message> => {
    const requests = messages.subscribe({ error: () => {} })
    stop$.subscribe(() => requests.unsubscribe())
    return replies$
  }
  await rig.serve(answering({ handler }))
  const peer = await rig.rawClient()
  const ends: { readonly [H in Half]: () => void } = {
    'requests complete': () => peer.send({ type: 'PAYLOAD', id: 1, flags: 'C' }),
    'requests cancelled': () => stop$.next(),
    'requests fail': () => peer.send({ type: 'ERROR', id: 1, word: 0x201 }),
    'replies complete': () => replies$.complete(),
    'replies cancelled': () => peer.send({ type: 'CANCEL', id: 1 }),
    'replies fail': () => replies$.error(new TypeError('a')),
  }
  peer.request('REQUEST_CHANNEL', 1, 'handler', { n: 1 })
  await rig.settle()
  const sizes = [rig.accepted[0]?.running]
  for (const end of [first, second]) {
    ends[end]()
    await rig.settle()
    sizes.push(rig.accepted[0]?.running)
  }
  return sizes
}
