import { deepEqual, equal, match } from 'node:assert/strict'
import {
  actor,
  clientStream,
  contract,
  createServer,
  createStub,
  duplex,
  serverStream,
  unary,
  type Stub,
} from 'millrace/actors'
import { RpcError, silentLog } from 'millrace/core'
import { lastValueFrom, map, reduce, throwError } from 'rxjs'
import type { Ending } from '../java-call.js'
import { connectJava, connectMillrace, listen, serveJava } from '../peers.js'
import type { Bench, Feature } from '../row.js'
import { all, failureOf } from '../waiting.js'

/** What both sides serve; the Spring side is WordsController.java. */
const Words = contract('words', {
  count: unary<string, number>(),
  each: serverStream<string, string>(),
  lengths: duplex<string, number>(),
  total: clientStream<string, number>(),
  fail: unary<string, number>(),
})

const words = actor(Words, {
  count: text => text.split(' ').length,
  each: text => text.split(' '),
  lengths: word$ => word$.pipe(map(word => word.length)),
  total: word$ => word$.pipe(reduce((sum, word) => sum + word.length, 0)),
  fail: text => throwError(() => new RpcError('INVALID_ARGUMENT', `no count of ${text}`)),
})

/** An application with Spring on the other side: `RSocketRequester` and `@MessageMapping`. */
export const spring: readonly Feature[] = [
  {
    name: 'route words.count, unary',
    async client(bench) {
      deepEqual(await called(bench, 'unary', 'words.count', '"a spring day"'), { items: ['3'] })
    },
    async server(bench) {
      equal(await (await stubOf(bench)).promise.count('a spring day'), 3)
    },
  },
  {
    name: 'route words.each, a stream of replies',
    async client(bench) {
      deepEqual(await called(bench, 'stream', 'words.each', '"a spring day"'), { items: ['"a"', '"spring"', '"day"'] })
    },
    async server(bench) {
      deepEqual(await all((await stubOf(bench)).each('a spring day')), ['a', 'spring', 'day'])
    },
  },
  {
    name: 'route words.lengths, a channel',
    async client(bench) {
      deepEqual(await called(bench, 'channel', 'words.lengths', '["a","spring"]'), { items: ['1', '6'] })
    },
    async server(bench) {
      deepEqual(await all((await stubOf(bench)).lengths(['a', 'spring'])), [1, 6])
    },
  },
  {
    name: 'route words.total, a channel with one reply',
    async client(bench) {
      deepEqual(await called(bench, 'channel', 'words.total', '["a","spring"]'), { items: ['7'] })
    },
    async server(bench) {
      equal(await lastValueFrom((await stubOf(bench)).total(['a', 'spring'])), 7)
    },
  },
  {
    name: 'route words.fail, an error',
    async client(bench) {
      const { error } = await called(bench, 'unary', 'words.fail', '"nothing"')

      equal(error?.type, 'InvalidException')
      match(error.message, /no count of nothing/)
    },
    async server(bench) {
      const { rawMessage } = await failureOf((await stubOf(bench)).fail('nothing'))

      match(rawMessage, /no count of nothing/)
    },
  },
]

async function called(
  bench: Bench,
  kind: 'unary' | 'stream' | 'channel',
  route: string,
  data: string,
): Promise<Ending> {
  const server = createServer({ actors: [words], log: silentLog })
  const port = await listen(bench, {}, () => server)
  const on = await connectJava(bench, port)
  return await bench.java.call(on, kind, { route, data }).ended()
}

async function stubOf(bench: Bench): Promise<Stub<typeof Words.endpoints>> {
  const { port } = await serveJava(bench)
  const { connection } = await connectMillrace(bench, port)
  return createStub(Words, connection, { log: silentLog })
}
