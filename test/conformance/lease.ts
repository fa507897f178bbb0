import { messageOf } from 'millrace/core'
import type { Connection } from 'millrace/protocol'
import type { Lease } from 'millrace/protocol/rsocket'
import { concat, map, NEVER, of, Subject } from 'rxjs'
import { expect } from 'vitest'
import { first } from '../support/first.js'
import { u32, type FrameParts } from '../support/raw-frame.js'
import { record } from '../support/recording.js'
import { answering, bodiesOf, single, streaming } from '../support/virtual-wire.js'
import { fragmentsOf } from './fragments.js'
import { usual } from './handlers.js'
import type { Point } from './point.js'
import { requestTo } from './requests.js'

function lease(ttlMs: number, requests: number): FrameParts {
  return { type: 'LEASE', data: Uint8Array.from([...u32(ttlMs), ...u32(requests)]) }
}

/** Makes a call and says why it was refused, if it was. */
function refusalOf(connection: Connection): string | undefined {
  return record(connection.call(single('unary', 'never'))).error?.reason
}

/** A grant that is made once. */
const granting = (ttlMs: number, requests: number): { readonly lease: typeof NEVER } => ({
  lease: concat(of({ ttlMs, requests }), NEVER) as typeof NEVER,
})

export const leases: readonly Point[] = [
  {
    number: 73,
    title: 'no request before a lease, none beyond it',
    run: async ({ open }) => {
      const rig = open({ honorLease: true })
      const { connection, peer, setup } = await rig.rawServer()
      const first = record(connection.call(single('unary', 'echo', 1)))
      const second = record(connection.call(single('serverStream', 'numbers', 1)))
      const third = record(connection.call(streaming('duplex', 'echo', NEVER)))
      await rig.settle()
      const before = peer.lines()

      peer.send(lease(100, 2))
      await rig.settle()
      const within = peer.lines()
      peer.send(lease(100, 2))
      await rig.pass(99)
      const inTime = refusalOf(connection)
      await rig.pass(1)
      const late = refusalOf(connection)
      await rig.settle()

      expect((setup[5] ?? 0) & 0x40).toBe(0x40)
      // The client's own lease, which lets the server call it, may be there.
      expect(before.filter(line => !line.startsWith('LEASE'))).toEqual([])
      expect(within).toEqual(['REQUEST_RESPONSE 1 1', 'REQUEST_STREAM 3 n=256 1'])
      expect([first.error, second.error, third.error?.reason]).toEqual([undefined, undefined, 'no_lease'])
      expect([inTime, late, peer.lines().length]).toEqual([undefined, 'no_lease', 1])
    },
  },
  {
    number: 74,
    title: 'a request beyond the lease is REJECTED',
    run: async ({ open }) => {
      const rig = open(granting(1000, 2))
      await rig.serve(usual)
      const peer = await rig.rawClient({ flags: 'L' })
      const granted = peer.lines()

      const whole = requestTo('echo', { type: 'REQUEST_RESPONSE', id: 1, data: '"in fragments"' })
      for (const fragment of fragmentsOf(whole, 4)) peer.send(fragment)
      peer.request('REQUEST_RESPONSE', 3, 'echo', { body: 'b' })
      peer.request('REQUEST_RESPONSE', 5, 'echo', { body: 'c' })
      peer.request('REQUEST_STREAM', 7, 'numbers', { n: 1 })
      peer.request('REQUEST_CHANNEL', 9, 'echo', { n: 1 })
      peer.request('REQUEST_FNF', 11, 'echo', { body: 'd' })
      await rig.settle()

      expect(granted).toEqual([expect.stringMatching(/^LEASE/)])
      expect(peer.lines()).toEqual([
        'PAYLOAD 1 NC "in fragments"',
        'PAYLOAD 3 NC "b"',
        'ERROR 5 REJECTED lease_exceeded',
        'ERROR 7 REJECTED lease_exceeded',
        'ERROR 9 REJECTED lease_exceeded',
      ])
    },
  },
  {
    number: 75,
    title: 'a new lease replaces the last, 0 stops',
    run: async ({ open }) => {
      const leases$ = new Subject<Lease>()
      const rig = open({ lease: leases$ })
      await rig.serve(usual)
      const peer = await rig.rawClient({ flags: 'L' })
      const ask = async (id: number): Promise<string | undefined> => {
        peer.request('REQUEST_RESPONSE', id, 'echo', { body: id })
        await rig.settle()
        return peer
          .lines()
          .filter(line => !line.startsWith('LEASE'))
          .join()
      }
      leases$.next({ ttlMs: 1000, requests: 100 })
      leases$.next({ ttlMs: 1000, requests: 1 })
      const replaced = [await ask(1), await ask(3)]
      leases$.next({ ttlMs: 0, requests: 9 })
      const noTime = await ask(5)
      leases$.next({ ttlMs: 1000, requests: 0 })
      const noRequests = await ask(7)
      const calling = open({ honorLease: true })
      const client = await calling.rawServer()
      const reasons: (string | undefined)[] = []
      for (const renewal of [
        [lease(1000, 100), lease(1000, 1)],
        [lease(1000, 5), lease(0, 5)],
        [lease(1000, 5), lease(1000, 0)],
      ]) {
        for (const frame of renewal) client.peer.send(frame)
        await calling.settle()
        reasons.push(refusalOf(client.connection), refusalOf(client.connection))
      }

      expect(replaced).toEqual(['PAYLOAD 1 NC 1', 'ERROR 3 REJECTED lease_exceeded'])
      expect([noTime, noRequests]).toEqual(['ERROR 5 REJECTED lease_exceeded', 'ERROR 7 REJECTED lease_exceeded'])
      expect(reasons).toEqual([undefined, 'no_lease', 'no_lease', 'no_lease', 'no_lease', 'no_lease'])
    },
  },
  {
    number: 76,
    title: 'a lease never touches streams that run',
    run: async ({ open }) => {
      const items$ = new Subject<number>()
      const rig = open(granting(10, 1))
      await rig.serve(answering({ items: () => items$.pipe(map(messageOf)) }))
      const peer = await rig.rawClient({ flags: 'L' })
      peer.request('REQUEST_STREAM', 1, 'items', { n: 1 })
      const calling = open({ honorLease: true })
      const client = await calling.rawServer()
      client.peer.send(lease(10, 1))
      await calling.settle()
      const replies = record(client.connection.call(single('serverStream', 'items')))

      await rig.pass(100)
      await calling.pass(100)
      client.peer.send(lease(0, 0))
      client.peer.item(1, 'late', 'NC')
      peer.send({ type: 'REQUEST_N', id: 1, word: 5 })
      await rig.settle()
      await calling.settle()
      for (const item of [1, 2, 3]) items$.next(item)
      await rig.settle()

      expect(peer.lines().slice(-3)).toEqual(['PAYLOAD 1 N 1', 'PAYLOAD 1 N 2', 'PAYLOAD 1 N 3'])
      expect([bodiesOf(replies), replies.completed]).toEqual([['late'], true])
    },
  },
  {
    number: 77,
    title: 'METADATA_PUSH arrives both ways, not on a stream',
    run: async ({ open }) => {
      const rig = open()
      await rig.serve(usual)
      const { connection } = await rig.connect()
      const accepted = first(rig.accepted)
      const atServer = record(accepted.pushes)
      const atClient = record(connection.pushes)
      const peer = await rig.rawClient()
      const fromPeer = record(first(rig.accepted.slice(1)).pushes)
      const push = Uint8Array.of(1, 1, 0x61, 1, 0x62)

      connection.metadataPush({ from: 'client' })
      accepted.metadataPush({ from: 'server' })
      peer.send({ type: 'METADATA_PUSH', id: 1, flags: 'M', data: push })
      peer.send({ type: 'METADATA_PUSH', flags: 'M', data: push })
      peer.request('REQUEST_RESPONSE', 1, 'echo', { body: 'a' })
      await rig.settle()

      const seen = [atServer, atClient, fromPeer].map(({ values }) => values.map(header => ({ ...header })))
      expect(seen).toEqual([[{ from: 'client' }], [{ from: 'server' }], [{ a: 'b' }]])
      expect([...peer.lines(), peer.ending]).toEqual(['PAYLOAD 1 NC "a"', 'open'])
    },
  },
]
