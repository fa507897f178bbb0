import { deepEqual, ok } from 'node:assert/strict'
import { paced, pacedMap } from 'millrace/streams'
import { map, Subject, take, type OperatorFunction } from 'rxjs'
import type { JavaPeer } from '../java-peer.js'
import { javaClient, javaServer } from '../peers.js'
import type { Feature } from '../row.js'
import { all, upTo, when } from '../waiting.js'

const WINDOW = 8
/** Items that the consumer takes before it stops for a while. */
const TAKEN = 20

/** That a slow consumer slows the producer of the other side, by request-n. */
export const requestN: readonly Feature[] = [
  {
    name: `request-n: a stream in windows of ${WINDOW}`,
    async client(bench) {
      const { call, seen } = await javaClient(bench)
      const range = call('stream', { route: 'interop.range', data: '1000', limitRate: WINDOW, demand: TAKEN })
      await range.items(TAKEN)
      await call('unary', { route: 'interop.echo', data: '1' }).ended()

      const { produced } = seen
      range.more(2000)

      const { items } = await range.ended()
      ok(produced <= TAKEN + WINDOW, `${produced} were made and ${TAKEN} taken`)
      deepEqual(items.map(Number), upTo(1000))
    },
    async server(bench) {
      const { stub, server } = await javaServer(bench, { millrace: { window: WINDOW } })
      const gate = consumer()
      const read = all(stub.range(1000).pipe(gate.consume))
      await when(gate.taken$, taken => taken === TAKEN)
      await stub.promise.echo(1)

      const requested = await requestedOf(bench.java, server, 'interop.range')
      gate.open()

      ok(requested <= TAKEN + WINDOW + 1, `${requested} were asked for and ${TAKEN} taken`)
      deepEqual(await read, upTo(1000))
    },
  },
  {
    name: `request-n: a channel in windows of ${WINDOW}, both ways`,
    async client(bench) {
      const { call, seen } = await javaClient(bench, { millrace: { window: WINDOW } })
      const channel = call('channel', { route: 'interop.twice', count: 1000, limitRate: WINDOW, demand: TAKEN })
      await channel.items(TAKEN)
      await call('unary', { route: 'interop.echo', data: '1' }).ended()

      const requested = await requestedOf(bench.java, channel.id)
      const { received } = seen
      channel.more(2000)

      // What is on its way: a window of replies that Java was sent, and one of requests that became no reply yet.
      ok(received <= TAKEN + 2 * WINDOW, `${received} were taken, ${TAKEN} replies wanted`)
      ok(requested <= TAKEN + 2 * WINDOW + 2, `${requested} were asked for, ${TAKEN} replies wanted`)
      deepEqual(
        (await channel.ended()).items.map(Number),
        upTo(1000).map(n => 2 * n + 2),
      )
    },
    async server(bench) {
      const { stub } = await javaServer(bench, { millrace: { window: WINDOW } })
      const gate = consumer()
      let produced = 0
      function* numbers(): Generator<number> {
        while (produced < 1000) yield produced++
      }
      const read = all(stub.twice(paced(numbers())).pipe(gate.consume))
      await when(gate.taken$, taken => taken === TAKEN)
      await stub.promise.echo(1)

      const producedByThen = produced
      gate.open()

      ok(producedByThen <= TAKEN + 2 * WINDOW + 2, `${producedByThen} were made and ${TAKEN} replies taken`)
      deepEqual(
        await read,
        upTo(1000).map(n => 2 * n),
      )
    },
  },
]

/** Takes {@link TAKEN} items, and the others when it is opened. */
function consumer(): {
  readonly taken$: Subject<number>
  readonly open: () => void
  readonly consume: OperatorFunction<number, number>
} {
  const opened$ = new Subject<void>()
  const taken$ = new Subject<number>()
  let taken = 0
  let open = false
  return {
    taken$,
    open: () => {
      open = true
      opened$.next()
    },
    consume: pacedMap(
      item => {
        if (taken === TAKEN && !open)
          return opened$.pipe(
            take(1),
            map(() => item),
          )
        taken++
        taken$.next(taken)
        return [item]
      },
      { concurrency: 1 },
    ),
  }
}

/** How many items Java was asked for in all. */
async function requestedOf(java: JavaPeer, id: string, route?: string): Promise<number> {
  const asked = await java.heard(id, 'requested')
  return asked.filter(each => each['route'] === route).reduce((sum, { n }) => sum + Number(n), 0)
}
