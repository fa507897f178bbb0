import { deepEqual, equal, match } from 'node:assert/strict'
import { json } from 'millrace/codec'
import { msgpack } from 'millrace/codec/msgpack'
import { firstValueFrom } from 'rxjs'
import type { Told, ToldBytes } from '../java-peer.js'
import { javaClient, javaServer } from '../peers.js'
import type { Feature } from '../row.js'

const MSGPACK = 'application/msgpack'
const BOTH = { codecs: [json(), msgpack()] }
/** `{"a":1}` in MessagePack. */
const OBJECT = Buffer.from([0x81, 0xa1, 0x61, 0x01]).toString('base64')
/** Authentication as bearer `tok`, alone in composite metadata. */
const BEARER = Buffer.from([0xfc, 0, 0, 4, 0x81, 0x74, 0x6f, 0x6b]).toString('base64')

/** Credentials and MIME types, of connections and of single requests. */
export const metadata: readonly Feature[] = [
  {
    name: 'authentication: of a request, simple and bearer',
    async client(bench) {
      const { call } = await javaClient(bench)

      const simple = await call('unary', { route: 'interop.credentials', simple: 'user:secret' }).ended()
      const bearer = await call('unary', { route: 'interop.credentials', bearer: 'tok' }).ended()

      deepEqual([simple.items, bearer.items], [['"Basic dXNlcjpzZWNyZXQ="'], ['"Bearer tok"']])
    },
    async server(bench) {
      const { stub } = await javaServer(bench)
      const as = (authorization: string): typeof stub => stub.with({ header: { authorization } })

      const simple = await as('Basic dXNlcjpzZWNyZXQ=').promise.credentials()
      const bearer = await as('Bearer tok').promise.credentials()

      deepEqual([simple, bearer], ['simple user:secret', 'bearer tok'])
    },
  },
  {
    name: 'authentication: of a connection',
    async client(bench) {
      const { call, connections } = await javaClient(bench, { java: { bearer: 'tok' } })
      await call('unary', { route: 'interop.echo', data: '1' }).ended()

      const { attributes } = await firstValueFrom(connections)

      deepEqual({ ...attributes }, { authorization: 'Bearer tok' })
    },
    async server(bench) {
      const { server, stub } = await javaServer(bench, { millrace: { attributes: { authorization: 'Bearer tok' } } })
      await stub.promise.echo(1)

      const setup = await bench.java.until(server, 'setup')

      equal((setup['metadata'] as ToldBytes).base64, BEARER)
    },
  },
  {
    name: 'metadata that nobody knows is skipped',
    async client(bench) {
      const { call } = await javaClient(bench)
      const strange = { custom: 'application/x-of-somebody-else', pad: 200 }

      deepEqual(await call('unary', { route: 'interop.echo', data: '1', ...strange }).ended(), { items: ['1'] })
    },
  },
  {
    name: 'MIME types: of a connection',
    async client(bench) {
      const { call } = await javaClient(bench, { millrace: BOTH, java: { dataType: MSGPACK } })

      const echo = call('unary', { route: 'interop.echo', base64: OBJECT })
      await echo.ended()
      const sum = call('unary', { route: 'interop.fill', base64: Buffer.from([3]).toString('base64') })

      equal(base64Of(await echo.until('item')), OBJECT)
      equal(base64Of(await sum.until('item')), Buffer.from('\u00a30 1', 'latin1').toString('base64'))
    },
    async server(bench) {
      const { server, stub } = await javaServer(bench, { millrace: { codec: msgpack() } })

      const reply = await stub.promise.echo({ a: [1, 'ü'] })

      const { dataType } = await bench.java.until(server, 'setup')
      deepEqual([reply, dataType], [{ a: [1, 'ü'] }, MSGPACK])
    },
  },
  {
    name: 'MIME types: of a request and its replies',
    async client(bench) {
      const { call } = await javaClient(bench, { millrace: BOTH })

      const inMsgpack = call('unary', { route: 'interop.echo', base64: OBJECT, mimeType: MSGPACK })
      const toMsgpack = call('unary', { route: 'interop.echo', data: '{"a":1}', accept: `text/x-none,${MSGPACK}` })
      const inJson = await call('unary', { route: 'interop.echo', data: '{"a":1}' }).ended()

      equal(base64Of(await inMsgpack.until('item')), OBJECT)
      equal(base64Of(await toMsgpack.until('item')), OBJECT)
      deepEqual(inJson, { items: ['{"a":1}'] })
    },
  },
  {
    name: 'MIME types: one that nobody speaks',
    async client(bench) {
      const { call } = await javaClient(bench)

      const { error } = await call('unary', { route: 'interop.echo', data: '1', mimeType: 'text/x-none' }).ended()

      equal(error?.type, 'InvalidException')
      match(error.message, /unsupported_type/)
    },
  },
]

function base64Of(item: Told): string | undefined {
  return (item['data'] as ToldBytes).base64
}
