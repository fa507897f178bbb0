import { deepEqual, equal } from 'node:assert/strict'
import { lastValueFrom } from 'rxjs'
import { cuttingProxy, type CuttingProxy } from '../cutting-proxy.js'
import {
  connectJava,
  connectMillrace,
  javaClient,
  javaServer,
  serveJava,
  serveMillrace,
  type JavaServer,
} from '../peers.js'
import type { Bench, Feature } from '../row.js'
import { all, failureOf, upTo } from '../waiting.js'

const SEED = 20_261_123
/** Connections that are cut, one after the other; the one after them is left alone. Ours wait longer each time. */
const CUTS = { java: 12, millrace: 5 }
/** So that what was sent is acknowledged soon. */
const KEEP_ALIVE = { keepAliveMs: 200, maxLifetimeMs: 5000 }

/** Sessions that go on over a new connection after the last one was cut anywhere. */
export const resumption: readonly Feature[] = [
  {
    name: `resume: a stream over many cuts`,
    async client(bench) {
      const { proxy, on } = await resumedJava(bench)

      const { items, error } = await bench.java.call(on, 'stream', { route: 'interop.range', data: '5000' }).ended()

      deepEqual([items.map(Number), error], [upTo(5000), undefined])
      equal(proxy.cuts, CUTS.java)
    },
    async server(bench) {
      const { proxy, stub } = await resumedMillrace(bench)

      const items = await all(stub.range(5000))

      deepEqual(items, upTo(5000))
      equal(proxy.cuts, CUTS.millrace)
    },
  },
  {
    name: `resume: a channel over many cuts`,
    async client(bench) {
      const { proxy, on } = await resumedJava(bench)

      const { items, error } = await bench.java.call(on, 'channel', { route: 'interop.twice', count: 2000 }).ended()

      deepEqual([items.map(Number), error], [upTo(2000).map(n => 2 * n + 2), undefined])
      equal(proxy.cuts, CUTS.java)
    },
    async server(bench) {
      const { proxy, stub } = await resumedMillrace(bench)

      const items = await all(stub.twice(upTo(2000)))

      deepEqual(
        items,
        upTo(2000).map(n => 2 * n),
      )
      equal(proxy.cuts, CUTS.millrace)
    },
  },
  {
    name: `resume: unary calls over many cuts, each made once`,
    async client(bench) {
      const { proxy, on, seen } = await resumedJava(bench)

      for (const n of upTo(300)) {
        const { items } = await bench.java.call(on, 'unary', { route: 'interop.echo', data: n }).ended()
        deepEqual(items, [String(n)])
        await bench.java.call(on, 'tell', { route: 'interop.note', data: n }).ended()
      }
      await bench.java.call(on, 'unary', { route: 'interop.echo', data: '1' }).ended()

      deepEqual(seen.notes$.value, upTo(300))
      equal(proxy.cuts, CUTS.java)
    },
    async server(bench) {
      const { proxy, stub, server } = await resumedMillrace(bench)

      for (const n of upTo(300)) {
        deepEqual(await stub.promise.echo(n), n)
        await lastValueFrom(stub.note(n), { defaultValue: undefined })
      }
      await stub.promise.echo(1)

      const told = await bench.java.heard(server, 'told')
      deepEqual(told.length, 300)
      equal(proxy.cuts, CUTS.millrace)
    },
  },
  {
    name: 'resume: asked of a server that does not',
    async client(bench) {
      const { call } = await javaClient(bench, { java: { resume: 1 } })

      const { error } = await call('unary', { route: 'interop.echo', data: '1' }).ended()

      equal(error?.type, 'RejectedSetupException')
    },
    async server(bench) {
      const { stub } = await javaServer(bench, { millrace: { resume: {} } })

      const { code } = await failureOf(stub.echo(1))

      equal(code, 'FAILED_PRECONDITION')
    },
  },
]

async function resumedJava(
  bench: Bench,
): Promise<
  Pick<Awaited<ReturnType<typeof serveMillrace>>, 'seen'> & { readonly on: string; readonly proxy: CuttingProxy }
> {
  const { port, seen } = await serveMillrace(bench, { ...KEEP_ALIVE, resume: {} })
  const proxy = await cuttingProxy(port, cutPoints(CUTS.java), bench.cleanup)
  const on = await connectJava(bench, proxy.port, { ...KEEP_ALIVE, resume: 1 })
  return { on, seen, proxy }
}

async function resumedMillrace(bench: Bench): Promise<JavaServer & { readonly proxy: CuttingProxy }> {
  const { server, port } = await serveJava(bench, { resume: 1 })
  const proxy = await cuttingProxy(port, cutPoints(CUTS.millrace), bench.cleanup)
  return { server, proxy, ...(await connectMillrace(bench, proxy.port, { ...KEEP_ALIVE, resume: {} })) }
}

/** After how many bytes each connection is cut: the first when its session is there, the others anywhere. */
function cutPoints(count: number): () => number | undefined {
  let state = SEED
  let connections = 0
  return () => {
    if (connections === count) return undefined
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (connections++ === 0 ? 700 : 1) + (state % 4000)
  }
}
