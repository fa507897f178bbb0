import { messageOf } from 'millrace/core'
import type { SingleCall } from 'millrace/protocol'
import { EMPTY, of, throwError } from 'rxjs'
import { expect } from 'vitest'
import { answering } from '../support/virtual-wire.js'
import { fragmentsOf } from './fragments.js'
import { requestTo } from './requests.js'
import type { Point } from './point.js'

export const fireAndForget: readonly Point[] = [
  {
    number: 48,
    title: 'nothing is ever sent back',
    run: async ({ open }) => {
      const rig = open()
      await rig.serve(
        answering({
          fails: () => throwError(() => new TypeError('a')),
          replies: () => of(messageOf('a')),
          throws: () => {
            throw new TypeError('a')
          },
        }),
      )
      const peer = await rig.rawClient()

      for (const endpoint of ['fails', 'replies', 'throws', 'nowhere']) {
        peer.request('REQUEST_FNF', 1, endpoint, { body: 'a' })
        peer.request('REQUEST_FNF', 3, endpoint)
      }
      peer.send({ type: 'REQUEST_FNF', id: 5, metadata: Uint8Array.of(0, 9) })
      peer.send({ type: 'REQUEST_FNF', id: 7, metadata: Uint8Array.of(0xff), data: '{' })
      await rig.pass(1000)

      expect([...peer.lines(), peer.ending]).toEqual(['open'])
    },
  },
  {
    number: 49,
    title: 'it may come in fragments, then its id is free',
    run: async ({ open }) => {
      const rig = open()
      const told: unknown[] = []
      await rig.serve(answering({ note: ({ body }: SingleCall) => (told.push(body), EMPTY) }))
      const peer = await rig.rawClient()
      const fragments = fragmentsOf(requestTo('note', { type: 'REQUEST_FNF', id: 1, data: '"abcdef"' }), 4)

      for (let round = 0; round < 3; round++) {
        for (const fragment of fragments) peer.send(fragment)
        await rig.settle()
      }

      expect(fragments.length).toBeGreaterThan(3)
      expect(told).toEqual(['abcdef', 'abcdef', 'abcdef'])
      expect([rig.accepted[0]?.running, ...peer.lines(), peer.ending]).toEqual([0, 'open'])
    },
  },
]
