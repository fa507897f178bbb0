import { deepEqual } from 'node:assert/strict'
import { BehaviorSubject, concat, finalize, from, NEVER } from 'rxjs'
import { javaClient, javaServer } from '../peers.js'
import type { Feature } from '../row.js'
import { all, when } from '../waiting.js'

/** That a call which nobody wants any more stops at the other side. */
export const cancellation: readonly Feature[] = [
  {
    name: 'cancel: a unary call',
    async client(bench) {
      const { call, seen } = await javaClient(bench)
      const never = call('unary', { route: 'interop.never' })
      await call('unary', { route: 'interop.echo', data: '1' }).ended()

      never.cancel()

      await when(seen.tornDown$, count => count === 1)
    },
    async server(bench) {
      const { stub, server } = await javaServer(bench)
      const call = stub.never().subscribe()
      await bench.java.until(server, 'request')

      call.unsubscribe()

      await bench.java.until(server, 'cancelled', ({ route }) => route === 'interop.never')
    },
  },
  {
    name: 'cancel: a server stream',
    async client(bench) {
      const { call, seen } = await javaClient(bench)
      const range = call('stream', { route: 'interop.range', data: '100000', demand: 10 })
      await range.items(10)

      range.cancel()

      await when(seen.tornDown$, count => count === 1)
    },
    async server(bench) {
      const { stub, server } = await javaServer(bench)
      const call = stub.forever().subscribe()
      await bench.java.until(server, 'requested')

      call.unsubscribe()

      await bench.java.until(server, 'cancelled', ({ route }) => route === 'interop.forever')
    },
  },
  {
    name: 'cancel: a channel, by its caller',
    async client(bench) {
      const { call, seen } = await javaClient(bench)
      const channel = call('channel', { route: 'interop.twice' })
      channel.send('1')
      await channel.items(1)

      channel.cancel()

      await when(seen.tornDown$, count => count === 1)
      await channel.until('requests cancelled')
    },
    async server(bench) {
      const { stub, server } = await javaServer(bench)
      const replies$ = new BehaviorSubject(0)
      const call = stub.twice(concat([21], NEVER)).subscribe(replies$)
      await when(replies$, reply => reply === 42)

      call.unsubscribe()

      await bench.java.until(server, 'requests cancelled')
    },
  },
  {
    name: 'cancel: the requests of a channel, by its answerer',
    async client(bench) {
      const { call } = await javaClient(bench)
      const channel = call('channel', { route: 'interop.firstTwo' })
      channel.send('7')
      channel.send('8')

      const { items, error } = await channel.ended()

      deepEqual([items.map(Number), error], [[7, 8, 99], undefined])
      await channel.until('requests cancelled')
    },
    async server(bench) {
      const { stub } = await javaServer(bench)
      const stopped$ = new BehaviorSubject(false)
      const requests = concat(from([7, 8]), NEVER).pipe(finalize(() => stopped$.next(true)))

      const items = await all(stub.firstTwo(requests))

      deepEqual(items, [7, 8, 99])
      await when(stopped$, stopped => stopped)
    },
  },
  {
    name: 'cancel: a caller whose requests fail',
    async client(bench) {
      const { call, seen } = await javaClient(bench)
      const channel = call('channel', { route: 'interop.twice' })
      channel.send('1')
      await channel.items(1)

      channel.fail('out of requests')

      await when(seen.tornDown$, count => count === 1)
    },
  },
]
