import { deepEqual, equal, match } from 'node:assert/strict'
import {
  actor,
  clientStream,
  contract,
  createClient,
  createServer,
  duplex,
  serverStream,
  unary,
  type Stub,
} from 'millrace/actors'
import { json } from 'millrace/codec'
import { RpcError, silentLog } from 'millrace/core'
import { compositeMetadata, rsocket } from 'millrace/protocol/rsocket'
import { memoryRegistry } from 'millrace/registry'
import { lastValueFrom, map, NEVER, reduce, startWith, throwError } from 'rxjs'
import { addressOf, portOf, transportOf } from '../carriers.js'
import type { Ending } from '../java-call.js'
import type { CallKind } from '../java-peer.js'
import { connectJava, listen, serveJava } from '../peers.js'
import type { Bench, Feature } from '../row.js'
import { all, failureOf } from '../waiting.js'

interface Line {
  readonly text: string
}

/** What both sides serve; the Spring side is WordsController.java. */
const Words = contract('words', {
  count: unary<Line, number>(),
  each: serverStream<Line, Line>(),
  lengths: duplex<Line, number>(),
  total: clientStream<Line, number>(),
  fail: unary<Line, number>(),
  nothing: unary(),
})

const words = actor(Words, {
  count: ({ text }) => text.split(' ').length,
  each: ({ text }) => text.split(' ').map(line),
  lengths: line$ => line$.pipe(map(({ text }) => text.length)),
  total: line$ => line$.pipe(reduce((sum, { text }) => sum + text.length, 0)),
  fail: ({ text }) => throwError(() => new RpcError('INVALID_ARGUMENT', `no count of ${text}`)),
  nothing: () => undefined,
})

/** An application with Spring on the other side: `RSocketRequester` and `@MessageMapping`. */
export const spring: readonly Feature[] = [
  {
    name: 'route words.count, unary',
    async client(bench) {
      deepEqual(await called(bench, 'unary', 'words.count', line('a spring day')), { items: ['3'] })
    },
    async server(bench) {
      equal(await (await stubOf(bench)).promise.count(line('a spring day')), 3)
    },
  },
  {
    name: 'route words.each, a stream of replies',
    async client(bench) {
      const { items } = await called(bench, 'stream', 'words.each', line('a spring day'))

      deepEqual(
        items.map(item => JSON.parse(item) as unknown),
        ['a', 'spring', 'day'].map(line),
      )
    },
    async server(bench) {
      deepEqual(await all((await stubOf(bench)).each(line('a spring day'))), ['a', 'spring', 'day'].map(line))
    },
  },
  {
    name: 'route words.lengths, a channel',
    async client(bench) {
      deepEqual(await called(bench, 'channel', 'words.lengths', ['a', 'spring'].map(line)), { items: ['1', '6'] })
    },
    async server(bench) {
      deepEqual(await all((await stubOf(bench)).lengths(['a', 'spring'].map(line))), [1, 6])
    },
  },
  {
    name: 'route words.total, a channel with one reply',
    async client(bench) {
      deepEqual(await called(bench, 'channel', 'words.total', ['a', 'spring'].map(line)), { items: ['7'] })
    },
    async server(bench) {
      equal(await lastValueFrom((await stubOf(bench)).total(['a', 'spring'].map(line))), 7)
    },
  },
  {
    name: 'route words.nothing, no reply',
    async client(bench) {
      deepEqual(await called(bench, 'unary', 'words.nothing', null), { items: [] })
    },
    async server(bench) {
      equal(await (await stubOf(bench)).promise.nothing(), undefined)
    },
  },
  {
    name: 'route words.fail, an error',
    async client(bench) {
      const { error } = await called(bench, 'unary', 'words.fail', line('nothing'))

      equal(error?.type, 'InvalidException')
      match(error.message, /no count of nothing/)
    },
    async server(bench) {
      const { rawMessage } = await failureOf((await stubOf(bench)).fail(line('nothing')))

      match(rawMessage, /no count of nothing/)
    },
  },
]

function line(text: string): Line {
  return { text }
}

async function called(bench: Bench, kind: CallKind, route: string, data: unknown): Promise<Ending> {
  const server = createServer({ actors: [words], log: silentLog })
  const { address } = await listen(bench, {}, () => server)
  const on = await connectJava(bench, portOf(address))
  return await bench.java.call(on, kind, { route, data: JSON.stringify(data) }).ended()
}

/** What an application with millrace has: a client that finds the service in a registry. */
async function stubOf(bench: Bench): Promise<Stub<typeof Words.endpoints>> {
  const { port } = await serveJava(bench)
  const transport = transportOf(bench.carrier)
  const protocol = rsocket(transport, { codec: json(), metadata: compositeMetadata(), log: silentLog })
  const registry = memoryRegistry()
  const kind = { protocol: protocol.name, transport: transport.name }
  const node = { id: 'words-1', address: addressOf(bench.carrier, port), metadata: kind }
  const instance = { name: 'words', version: '0.0.0', metadata: {}, endpoints: [], node }
  bench.cleanup.add(registry.register(NEVER.pipe(startWith(instance))).subscribe())
  const client = createClient({ protocol, registry, log: silentLog })
  bench.cleanup.add(() => client.close())
  return client.of(Words)
}
