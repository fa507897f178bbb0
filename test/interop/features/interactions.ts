import { deepEqual, equal } from 'node:assert/strict'
import { lastValueFrom } from 'rxjs'
import { textOf } from '../java-call.js'
import type { ToldBytes } from '../java-peer.js'
import { javaClient, javaServer, type Dialect } from '../peers.js'
import type { Feature } from '../row.js'
import { all, upTo, when } from '../waiting.js'

const dialects: readonly Dialect[] = ['composite', 'compact']

/** The interactions, in both dialects: that of any RSocket, and ours as docs/wire.md has it. */
export const interactions: readonly Feature[] = dialects.flatMap(dialect => [
  {
    name: `unary, ${dialect}`,
    async client(bench) {
      const { call } = await javaClient(bench, { dialect })

      const first = await call('unary', { route: 'interop.echo', data: '{"a":[1,"ü"]}' }).ended()
      const second = await call('unary', { route: 'interop.echo', data: 'null' }).ended()

      deepEqual([first, second], [{ items: ['{"a":[1,"ü"]}'] }, { items: ['null'] }])
    },
    async server(bench) {
      const { stub } = await javaServer(bench, { dialect })

      const first = await stub.promise.echo({ a: [1, 'ü'] })
      const second = await stub.promise.echo(null)

      deepEqual([first, second], [{ a: [1, 'ü'] }, null])
    },
  },
  {
    name: `server stream, ${dialect}`,
    async client(bench) {
      const { call } = await javaClient(bench, { dialect })

      const { items, error } = await call('stream', { route: 'interop.range', data: '1000' }).ended()

      deepEqual([items.map(Number), error], [upTo(1000), undefined])
    },
    async server(bench) {
      const { stub } = await javaServer(bench, { dialect })

      const items = await all(stub.range(1000))

      deepEqual(items, upTo(1000))
    },
  },
  {
    name: `client stream, ${dialect}`,
    async client(bench) {
      const { call } = await javaClient(bench, { dialect })

      const ended = await call('channel', { route: 'interop.sum', count: 1000, oneReply: 1 }).ended()

      deepEqual(ended, { items: ['500500'] })
    },
    async server(bench) {
      const { stub } = await javaServer(bench, { dialect })

      const sum = await lastValueFrom(stub.sum(upTo(1001)))

      equal(sum, 500_500)
    },
  },
  {
    name: `duplex, ${dialect}`,
    async client(bench) {
      const { call } = await javaClient(bench, { dialect })

      const { items, error } = await call('channel', { route: 'interop.twice', count: 1000 }).ended()

      deepEqual([items.map(Number), error], [upTo(1000).map(n => 2 * n + 2), undefined])
    },
    async server(bench) {
      const { stub } = await javaServer(bench, { dialect })

      const items = await all(stub.twice(upTo(1000)))

      deepEqual(
        items,
        upTo(1000).map(n => 2 * n),
      )
    },
  },
  {
    name: `fire-and-forget, ${dialect}`,
    async client(bench) {
      const { call, seen } = await javaClient(bench, { dialect })

      const ended = await call('tell', { route: 'interop.note', data: '"remember"' }).ended()

      deepEqual(ended, { items: [] })
      deepEqual(await when(seen.notes$, notes => notes.length > 0), ['remember'])
    },
    async server(bench) {
      const { stub, server } = await javaServer(bench, { dialect })

      await lastValueFrom(stub.note('remember'), { defaultValue: undefined })

      const told = await bench.java.until(server, 'told')
      deepEqual([told['route'], textOf(told['data'] as ToldBytes)], ['interop.note', '"remember"'])
    },
  },
])
