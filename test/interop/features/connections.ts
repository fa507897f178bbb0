import { deepEqual, equal, match } from 'node:assert/strict'
import { createServer, createStub } from 'millrace/actors'
import { RpcError, silentLog } from 'millrace/core'
import { pacedMap } from 'millrace/streams'
import { BehaviorSubject, first, firstValueFrom, map, timer } from 'rxjs'
import { Interop } from '../contract.js'
import { interopActor } from '../interop-actor.js'
import { textOf } from '../java-call.js'
import type { ToldBytes } from '../java-peer.js'
import { javaClient, javaServer, metadataTypes, connectMillrace, serveJava } from '../peers.js'
import type { Feature } from '../row.js'
import { all, failureOf, upTo, when } from '../waiting.js'

/** A header in compact metadata: one pair, a and b. */
const PUSHED = Buffer.from([1, 1, 0x61, 1, 0x62])

/** Setting up, keeping alive, and calls in the other direction. */
export const connections: readonly Feature[] = [
  {
    name: 'setup: what it says arrives',
    async server(bench) {
      const { server, stub } = await javaServer(bench, { millrace: { keepAliveMs: 1234, maxLifetimeMs: 56_789 } })
      await stub.promise.echo(1)

      const { metadataType, dataType, keepAliveMs, maxLifetimeMs, lease, resume } = await bench.java.until(
        server,
        'setup',
      )

      deepEqual(
        [metadataType, dataType, keepAliveMs, maxLifetimeMs, lease, resume],
        [metadataTypes.composite, 'application/json', 1234, 56_789, false, false],
      )
    },
  },
  {
    name: 'setup: refused for its MIME type',
    async client(bench) {
      const { call } = await javaClient(bench, { java: { dataType: 'application/x-nobody-speaks-this' } })

      const { error } = await call('unary', { route: 'interop.echo', data: '1' }).ended()

      equal(error?.type, 'UnsupportedSetupException')
      match(error.message, /application\/x-nobody-speaks-this/)
    },
  },
  {
    name: 'setup: refused by the application',
    async client(bench) {
      const { call } = await javaClient(bench, {
        refuse: () => new RpcError('PERMISSION_DENIED', 'not you'),
      })

      const { error } = await call('unary', { route: 'interop.echo', data: '1' }).ended()

      equal(error?.type, 'RejectedSetupException')
      match(error.message, /not you/)
    },
    async server(bench) {
      const { stub } = await javaServer(bench, { java: { reject: 'not you' } })

      const { code, rawMessage } = await failureOf(stub.echo(1))

      deepEqual([code, rawMessage], ['PERMISSION_DENIED', 'not you'])
    },
  },
  {
    name: 'keepalive: idle for four lifetimes',
    async client(bench) {
      const { call } = await javaClient(bench, { java: { keepAliveMs: 50, maxLifetimeMs: 300 } })

      await firstValueFrom(timer(1200))

      deepEqual(await call('unary', { route: 'interop.echo', data: '1' }).ended(), { items: ['1'] })
    },
    async server(bench) {
      const { stub } = await javaServer(bench, { millrace: { keepAliveMs: 50, maxLifetimeMs: 300 } })

      await firstValueFrom(timer(1200))

      equal(await stub.promise.echo(1), 1)
    },
  },
  {
    name: 'a server calls its client',
    async client(bench) {
      const { on, call, connections } = await javaClient(bench)
      await call('unary', { route: 'interop.echo', data: '1' }).ended()
      const stub = createStub(Interop, await firstValueFrom(connections), { log: silentLog })

      const replies = [await stub.promise.echo('back'), await all(stub.range(100)), await all(stub.twice([1, 2, 3]))]

      deepEqual(replies, ['back', upTo(100), [2, 4, 6]])
      await bench.java.until(on, 'request', ({ route }) => route === 'interop.twice')
    },
    async server(bench) {
      const { server, port } = await serveJava(bench)
      const { actor } = interopActor()
      const serve = createServer({ actors: [actor], log: silentLog })
      const { stub } = await connectMillrace(bench, port, {}, { serve })
      await stub.promise.echo(1)

      const unary = await bench.java.call(server, 'unary', { route: 'interop.echo', data: '"back"' }).ended()
      const stream = await bench.java.call(server, 'stream', { route: 'interop.range', data: '100' }).ended()
      const duplex = await bench.java.call(server, 'channel', { route: 'interop.twice', count: 3 }).ended()

      deepEqual([unary.items, stream.items, duplex.items], [['"back"'], upTo(100).map(String), ['2', '4', '6']])
    },
  },
  {
    name: 'metadata push, both ways',
    async client(bench) {
      const { on, call, connections } = await javaClient(bench, { dialect: 'compact' })
      await call('unary', { route: 'interop.echo', data: '1' }).ended()
      const connection = await firstValueFrom(connections)

      const pushed = firstValueFrom(connection.pushes)
      call('push', { metadata: PUSHED.toString('base64') })
      connection.metadataPush({ a: 'b' })

      deepEqual({ ...(await pushed) }, { a: 'b' })
      deepEqual(textOf((await bench.java.until(on, 'pushed'))['metadata'] as ToldBytes), PUSHED.toString())
    },
    async server(bench) {
      const { server, connection, stub } = await javaServer(bench, { dialect: 'compact' })
      await stub.promise.echo(1)

      const pushed = firstValueFrom(connection.pushes)
      bench.java.call(server, 'push', { metadata: PUSHED.toString('base64') })
      connection.metadataPush({ a: 'b' })

      deepEqual({ ...(await pushed) }, { a: 'b' })
      deepEqual(textOf((await bench.java.until(server, 'pushed'))['metadata'] as ToldBytes), PUSHED.toString())
    },
  },
  {
    name: 'many calls at once',
    async client(bench) {
      const { call } = await javaClient(bench)

      const calls = upTo(500).map(n => call('unary', { route: 'interop.echo', data: n }))

      const ends = await Promise.all(calls.map(each => each.ended()))
      deepEqual(
        ends.map(({ items }) => items),
        upTo(500).map(n => [String(n)]),
      )
    },
    async server(bench) {
      const { stub } = await javaServer(bench)

      const replies = await Promise.all(upTo(500).map(n => stub.promise.echo(n)))

      deepEqual(replies, upTo(500))
    },
  },
  {
    name: 'who drains lets running calls end',
    async client(bench) {
      const { on, call, binding } = await javaClient(bench)
      const range = call('stream', { route: 'interop.range', data: '20', demand: 10 })
      await range.items(10)

      const drained = all(binding.drain())
      const refused = await call('unary', { route: 'interop.echo', data: '1' }).ended()
      range.more(11)

      const { items, error } = await range.ended()
      deepEqual([items.map(Number), error, refused.error?.type], [upTo(20), undefined, 'RejectedException'])
      await drained
      await bench.java.until(on, 'closed')
    },
    async server(bench) {
      const { server, stub, connection } = await javaServer(bench, { millrace: { window: 8 } })
      const open$ = new BehaviorSubject(false)
      const held = pacedMap((item: number) =>
        open$.pipe(
          first(open => open),
          map(() => item),
        ),
      )
      const read = all(stub.range(20).pipe(held))
      await bench.java.until(server, 'requested')

      connection.drain()
      const { reason } = await failureOf(stub.echo(1))
      open$.next(true)

      deepEqual([await read, reason], [upTo(20), 'connection_draining'])
      await all(connection.status)
    },
  },
  {
    name: 'a connection that breaks fails its calls',
    async client(bench) {
      const { on, call, connections, seen } = await javaClient(bench)
      call('stream', { route: 'interop.forever' })
      await call('unary', { route: 'interop.echo', data: '1' }).ended()
      const connection = await firstValueFrom(connections)

      bench.java.say('close', on)

      await when(seen.tornDown$, count => count === 1)
      await all(connection.status)
    },
    async server(bench) {
      const { server, stub } = await javaServer(bench)
      const failure = failureOf(stub.forever())
      await bench.java.until(server, 'requested')

      bench.java.say('disconnect', server)

      equal((await failure).code, 'UNAVAILABLE')
    },
  },
  {
    name: 'nothing: replies and streams without a value',
    async client(bench) {
      const { call } = await javaClient(bench)

      const ends = [
        await call('unary', { route: 'interop.nothing' }).ended(),
        await call('stream', { route: 'interop.none' }).ended(),
      ]

      deepEqual(ends, [{ items: [] }, { items: [] }])
    },
    async server(bench) {
      const { stub } = await javaServer(bench)

      const ends = [await stub.promise.nothing(), await all(stub.none())]

      deepEqual(ends, [undefined, []])
    },
  },
  {
    name: 'nothing: a channel without requests',
    async client(bench) {
      const { call, seen } = await javaClient(bench)

      const { error } = await call('channel', { route: 'interop.twice', count: 0 }).ended()

      deepEqual([error?.type, seen.received], ['CancellationException', 0]) // Java does not even ask
    },
    async server(bench) {
      const { stub } = await javaServer(bench)

      deepEqual(await all(stub.twice([])), [0]) // for Java, the frame that opens a channel is a request, here an empty one
    },
  },
]
