import { messageOf, RpcError } from 'millrace/core'
import { concat, finalize, map, NEVER, of, throwError, timer, type Observable } from 'rxjs'
import { expect } from 'vitest'
import { first } from '../support/first.js'
import { lineOf, readFrame, type FrameParts } from '../support/raw-frame.js'
import { record } from '../support/recording.js'
import { answering, bodiesOf, single } from '../support/virtual-wire.js'
import type { Point } from './point.js'

/** What a call can be answered with, and how it then ends. */
const answers: readonly (readonly [FrameParts, readonly unknown[], string])[] = [
  [{ type: 'PAYLOAD', flags: 'NC', data: '"a"' }, ['a'], 'completes'],
  [{ type: 'PAYLOAD', flags: 'N', data: '"a"' }, ['a'], 'completes'],
  [{ type: 'PAYLOAD', flags: 'C' }, [], 'completes'],
  [{ type: 'ERROR', word: 0x201, data: 'no' }, [], 'fails'],
]

export const requestResponse: readonly Point[] = [
  {
    number: 44,
    title: 'each kind of answer ends the call exactly once',
    run: async ({ open }) => {
      const rig = open()
      const { connection, peer } = await rig.rawServer()
      const ends: string[][] = answers.map(() => [])
      const calls = answers.map((_, index) =>
        connection.call(single('unary', 'a')).subscribe({
          next: ({ body }) => ends[index]?.push(String(body)),
          complete: () => ends[index]?.push('completes'),
          error: () => ends[index]?.push('fails'),
        }),
      )
      await rig.settle()

      answers.forEach(([frame], index) => peer.send({ ...frame, id: 1 + 2 * index }))
      await rig.settle()
      for (const call of calls) call.unsubscribe()
      await rig.settle()

      expect(ends).toEqual(answers.map(([, values, end]) => [...values, end]))
      expect([connection.running, peer.lines().length]).toEqual([0, answers.length])
    },
  },
  {
    number: 45,
    title: 'CANCEL stops the handler, and nothing is replied',
    run: async ({ open }) => {
      const rig = open()
      const torn: number[] = []
      const later = (): Observable<ReturnType<typeof messageOf>> =>
        timer(10, rig.runtime.scheduler).pipe(
          map(messageOf),
          finalize(() => torn.push(rig.runtime.scheduler.now())),
        )
      await rig.serve(answering({ later }))
      const peer = await rig.rawClient()
      peer.request('REQUEST_RESPONSE', 1, 'later', { body: 'a' })
      await rig.pass(5)

      peer.send({ type: 'CANCEL', id: 1 })
      await rig.settle()
      const tornAtOnce = [...torn]
      await rig.pass(20)

      expect([tornAtOnce, peer.lines()]).toEqual([[5], []])
    },
  },
  {
    number: 46,
    title: 'a second answer is ignored',
    run: async ({ open }) => {
      const rig = open()
      const { connection, peer, lifetime } = await rig.rawServer()
      const calls = answers.map(() => record(connection.call(single('unary', 'a'))))
      await rig.settle()

      answers.forEach(([frame], index) => {
        for (const [late] of [[frame], ...answers]) peer.send({ ...late, id: 1 + 2 * index })
      })
      await rig.settle()

      expect(calls.map(bodiesOf)).toEqual(answers.map(([, values]) => values))
      expect([lifetime.error, rig.log]).toEqual([undefined, []])
    },
  },
  {
    number: 47,
    title: 'errors have the codes of their kind, foreign ones too',
    run: async ({ open }) => {
      const rig = open()
      await rig.serve(
        answering({
          fails: () => throwError(() => new TypeError('a')),
          throws: () => {
            throw new RpcError('ABORTED', 'a', { reason: 'conflict' })
          },
          late: () => concat(NEVER, of()),
        }),
      )
      const peer = await rig.rawClient()
      const calling = open()
      const client = await calling.rawServer()
      const codes = [0x301, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe]
      const calls = codes.map(() => record(client.connection.call(single('unary', 'a'))))
      await calling.settle()

      ;['fails', 'throws', 'nowhere'].forEach((endpoint, index) =>
        peer.request('REQUEST_RESPONSE', 1 + 2 * index, endpoint, { body: 'a' }),
      )
      codes.forEach((word, index) => client.peer.send({ type: 'ERROR', id: 1 + 2 * index, word, data: 'own' }))
      await rig.settle()
      await calling.settle()

      const [fails, throws, unknown] = peer.received.map(frame => readFrame(frame).word)
      expect([fails, throws]).toEqual([0x201, 0x201])
      expect([0x202, 0x204]).toContain(unknown)
      expect(lineOf(first(peer.received))).toContain('ERROR 1 APPLICATION_ERROR')
      expect(calls.map(({ error }) => error)).toMatchObject(
        codes.map(rsocketCode => ({
          code: 'UNKNOWN',
          reason: 'rsocket_error',
          rawMessage: 'own',
          details: { rsocketCode },
        })),
      )
    },
  },
]
