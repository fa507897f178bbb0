import { bytes } from 'millrace/codec'
import { messageOf, seededRuntime, type Message } from 'millrace/core'
import { paced } from 'millrace/streams'
import {
  concat,
  EMPTY,
  finalize,
  map,
  NEVER,
  of,
  range,
  Subject,
  throwError,
  VirtualTimeScheduler,
  type Observable,
} from 'rxjs'
import { expect } from 'vitest'
import { Chance } from '../support/chance.js'
import { record } from '../support/recording.js'
import { answering, bodiesOf, single } from '../support/virtual-wire.js'
import { usual } from './handlers.js'
import type { Point } from './point.js'

const UNBOUNDED = 0x7fff_ffff
const SEED = 50
const ROUNDS = 30

/** Every number, as far as whoever pulls it wants them. */
function* endless(): Generator<Message> {
  for (let index = 0; ; index++) yield messageOf(index)
}

/** A source that pushes, whatever is asked for. */
const pushed = (count: number): Observable<Message> => concat(range(0, count).pipe(map(messageOf)), NEVER)

export const stream: readonly Point[] = [
  {
    number: 50,
    title: 'no more items than credit, and credit adds up',
    run: async ({ open }) => {
      const rig = open()
      const { random } = seededRuntime({ scheduler: new VirtualTimeScheduler(), seed: SEED })
      const chance = new Chance(random)
      await rig.serve(answering({ pulled: () => paced(endless()), pushed: () => pushed(200) }))
      const peer = await rig.rawClient()

      for (let round = 0; round < ROUNDS; round++) {
        const id = 1 + 2 * round
        let credit = 1 + chance.below(5)
        let items = 0
        peer.request('REQUEST_STREAM', id, chance.pick(['pulled', 'pushed']), { n: credit })
        for (let step = 0; step < 5; step++) {
          await rig.settle()
          items += peer.lines().length
          expect([round, step, items]).toEqual([round, step, credit])
          for (let more = chance.below(3); more > 0; more--) {
            const n = 1 + chance.below(8)
            credit += n
            peer.send({ type: 'REQUEST_N', id, word: n })
          }
        }
        peer.send({ type: 'CANCEL', id })
        await rig.settle()
        peer.lines()
      }
      peer.request('REQUEST_STREAM', 999, 'pulled', { n: 3 })
      peer.send({ type: 'REQUEST_N', id: 999, word: 2 })
      await rig.settle()

      expect(peer.lines()).toHaveLength(5)
    },
  },
  {
    number: 51,
    title: 'the end of a stream needs no credit',
    run: async ({ open }) => {
      const rig = open()
      await rig.serve(
        answering({
          none: () => EMPTY,
          one: () => of(messageOf(0)),
          fails: () => throwError(() => new TypeError('a')),
          failsLater: () =>
            concat(
              of(messageOf(0)),
              throwError(() => new TypeError('a')),
            ),
        }),
      )
      const peer = await rig.rawClient()

      ;['none', 'one', 'fails', 'failsLater'].forEach((endpoint, index) =>
        peer.request('REQUEST_STREAM', 1 + 2 * index, endpoint, { n: 1 }),
      )
      await rig.settle()

      expect(peer.lines().toSorted()).toEqual([
        'ERROR 5 APPLICATION_ERROR internal',
        'ERROR 7 APPLICATION_ERROR internal',
        'PAYLOAD 1 C',
        'PAYLOAD 3 C',
        'PAYLOAD 3 N 0',
        'PAYLOAD 7 N 0',
      ])
    },
  },
  {
    number: 52,
    title: 'an initial request-n of 0 is INVALID',
    run: async ({ open }) => {
      const rig = open()
      await rig.serve(usual)
      const peer = await rig.rawClient()

      peer.request('REQUEST_STREAM', 1, 'numbers', { n: 0 })
      peer.request('REQUEST_CHANNEL', 3, 'echo', { n: 0 })
      peer.request('REQUEST_RESPONSE', 5, 'echo', { body: 'a' })
      await rig.settle()

      expect([...peer.lines(), peer.ending]).toEqual([
        'ERROR 1 INVALID malformed_frame',
        'ERROR 3 INVALID malformed_frame',
        'PAYLOAD 5 NC "a"',
        'open',
      ])
    },
  },
  {
    number: 53,
    title: 'a REQUEST_N of 0 is ignored',
    run: async ({ open }) => {
      const rig = open()
      await rig.serve(usual)
      const peer = await rig.rawClient()

      peer.request('REQUEST_STREAM', 1, 'numbers', { n: 1 })
      peer.send({ type: 'REQUEST_N', id: 1, word: 0 })
      await rig.settle()
      const before = peer.lines()
      peer.send({ type: 'REQUEST_N', id: 1, word: 1 })
      await rig.settle()

      expect([before, peer.lines(), peer.ending]).toEqual([['PAYLOAD 1 N 0'], ['PAYLOAD 1 N 1'], 'open'])
    },
  },
  {
    number: 54,
    title: 'credit never overflows',
    run: async ({ open }) => {
      const rig = open()
      const items$ = new Subject<number>()
      await rig.serve(answering({ items: () => items$.pipe(map(messageOf)) }))
      const peer = await rig.rawClient()

      peer.request('REQUEST_STREAM', 1, 'items', { n: UNBOUNDED })
      for (let round = 0; round < 4; round++) peer.send({ type: 'REQUEST_N', id: 1, word: UNBOUNDED })
      peer.request('REQUEST_STREAM', 3, 'items', { n: UNBOUNDED - 1 })
      for (let round = 0; round < 4; round++) peer.send({ type: 'REQUEST_N', id: 3, word: UNBOUNDED - 1 })
      await rig.settle()
      for (let index = 0; index < 50; index++) items$.next(index)
      await rig.settle()

      expect(peer.lines()).toHaveLength(100)
    },
  },
  {
    number: 55,
    title: 'CANCEL unsubscribes the source at once',
    run: async ({ open }) => {
      const rig = open()
      const torn: number[] = []
      const items$ = new Subject<number>()
      const now = (): number => rig.runtime.scheduler.now()
      const items = (): Observable<Message> =>
        items$.pipe(
          map(messageOf),
          finalize(() => torn.push(now())),
        )
      await rig.serve(answering({ items }))
      const peer = await rig.rawClient()
      peer.request('REQUEST_STREAM', 1, 'items', { n: 10 })
      await rig.pass(5)

      peer.send({ type: 'CANCEL', id: 1 })
      peer.send({ type: 'CANCEL', id: 1 })
      await rig.settle()
      items$.next(1)
      await rig.pass(5)

      expect([torn, items$.observed, peer.lines()]).toEqual([[5], false, []])
    },
  },
  {
    number: 56,
    title: 'nothing follows the end, an empty item is one',
    run: async ({ open }) => {
      const rig = open({ codec: bytes() })
      const { connection, peer } = await rig.rawServer()
      const complete = record(connection.call(single('serverStream', 'a')))
      const failed = record(connection.call(single('serverStream', 'a')))
      await rig.settle()
      const serving = open({ codec: bytes() })
      await serving.serve(answering({ empty: () => paced([messageOf(new Uint8Array(0))]) }))
      const client = await serving.rawClient({ dataType: 'application/octet-stream' })

      client.request('REQUEST_STREAM', 1, 'empty', { n: 5 })
      for (const id of [1, 3]) {
        peer.send({ type: 'PAYLOAD', id, flags: 'N' })
        peer.send(id === 1 ? { type: 'PAYLOAD', id, flags: 'C' } : { type: 'ERROR', id, word: 0x201 })
        peer.send({ type: 'PAYLOAD', id, flags: 'N', data: 'late' })
        peer.send({ type: 'PAYLOAD', id, flags: 'C' })
        peer.send({ type: 'ERROR', id, word: 0x201 })
      }
      await rig.settle()
      await serving.settle()

      const empty = [new Uint8Array(0)]
      expect([bodiesOf(complete).map(asArray), complete.completed]).toEqual([empty, true])
      expect([bodiesOf(failed).map(asArray), failed.error?.code]).toEqual([empty, 'UNKNOWN'])
      expect(client.lines()).toEqual(['PAYLOAD 1 N', 'PAYLOAD 1 C'])
    },
  },
]

/** Bytes as a plain array of them, for sockets deliver them as views of Node's. */
function asArray(value: unknown): Uint8Array {
  return Uint8Array.from(value as Uint8Array)
}
