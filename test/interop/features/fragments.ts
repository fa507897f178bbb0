import { deepEqual, equal, ok } from 'node:assert/strict'
import { fillText } from '../fill-text.js'
import { digestOf } from '../java-call.js'
import { javaClient, javaServer, type SetUp } from '../peers.js'
import type { Feature } from '../row.js'
import { all, upTo, when } from '../waiting.js'

const MIB = 1_048_576
/** More than a fragment of either size. */
const METADATA = 4000

const mtus: readonly number[] = [64, 1024]

const bothAt = (mtu: number): SetUp => ({ millrace: { fragmentBytes: mtu }, java: { fragment: mtu } })

const inSizes: readonly Feature[] = mtus.flatMap(mtu => [
  {
    name: `fragments of ${mtu}: 1 MiB there and back`,
    async client(bench) {
      const { call } = await javaClient(bench, bothAt(mtu))

      const { items } = await call('unary', { route: 'interop.echo', fill: MIB, pad: METADATA }).ended()

      deepEqual(items, [digestOf(JSON.stringify(fillText(MIB)))])
    },
    async server(bench) {
      const { stub, server } = await javaServer(bench, bothAt(mtu))
      const padded = stub.with({ header: { pad: 'x'.repeat(METADATA) } })

      const reply = await padded.promise.echo(fillText(MIB))

      const { metadataLength } = await bench.java.until(server, 'request')
      ok(Number(metadataLength) > METADATA, `${String(metadataLength)} bytes of metadata`)
      equal(reply, fillText(MIB))
    },
  },
  {
    name: `fragments of ${mtu}: streams beside short calls`,
    async client(bench) {
      const { call } = await javaClient(bench, bothAt(mtu))

      const stream = call('stream', { route: 'interop.fills', data: '100000' })
      const short = await call('unary', { route: 'interop.echo', data: '1' }).ended()

      const text = digestOf(JSON.stringify(fillText(100_000)))
      deepEqual([short.items, (await stream.ended()).items], [['1'], [text, text, text]])
    },
    async server(bench) {
      const { stub } = await javaServer(bench, bothAt(mtu))

      const stream = all(stub.fills(100_000))
      const short = await stub.promise.echo(1)

      const text = fillText(100_000)
      deepEqual([short, await stream], [1, [text, text, text]])
    },
  },
  {
    name: `fragments of ${mtu}: channels and fire-and-forget`,
    async client(bench) {
      const { call, seen } = await javaClient(bench, bothAt(mtu))

      const channel = call('channel', { route: 'interop.twice', count: 100, pad: METADATA })
      call('tell', { route: 'interop.note', fill: 100_000, pad: METADATA })

      equal((await channel.ended()).items.length, 100)
      deepEqual(await when(seen.notes$, notes => notes.length > 0), [fillText(100_000)])
    },
    async server(bench) {
      const { stub, server } = await javaServer(bench, bothAt(mtu))
      const padded = stub.with({ header: { pad: 'x'.repeat(METADATA) } })

      const replies = await all(padded.twice(upTo(100)))
      padded.note(fillText(100_000)).subscribe()

      equal(replies.length, 100)
      const told = await bench.java.until(server, 'told')
      deepEqual(told['data'], { length: 100_002, sha256: digestOf(JSON.stringify(fillText(100_000))).split(' ')[2] })
    },
  },
])

/** Payloads in fragments, in both directions. */
export const fragments: readonly Feature[] = [
  ...inSizes,
  {
    name: 'fragments: 1 MiB, whole from Java and in our default size',
    async client(bench) {
      const { call } = await javaClient(bench)

      const { items } = await call('unary', { route: 'interop.echo', fill: MIB }).ended()

      deepEqual(items, [digestOf(JSON.stringify(fillText(MIB)))])
    },
    async server(bench) {
      const { stub } = await javaServer(bench)

      equal(await stub.promise.echo(fillText(MIB)), fillText(MIB))
    },
  },
]
