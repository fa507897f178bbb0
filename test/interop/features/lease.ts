import { deepEqual, equal, match } from 'node:assert/strict'
import { createServer, createStub } from 'millrace/actors'
import { silentLog } from 'millrace/core'
import type { Lease } from 'millrace/protocol/rsocket'
import { BehaviorSubject, firstValueFrom, lastValueFrom, retry } from 'rxjs'
import { Interop } from '../contract.js'
import { interopActor } from '../interop-actor.js'
import type { JavaCall } from '../java-call.js'
import { connectMillrace, javaClient, javaServer, serveJava } from '../peers.js'
import type { Feature } from '../row.js'
import { failureOf } from '../waiting.js'

const TWO: Lease = { ttlMs: 20_000, requests: 2 }

/** Leave to make requests, asked for and given. */
export const leases: readonly Feature[] = [
  {
    name: 'lease: granted, used up, renewed',
    async client(bench) {
      const lease = new BehaviorSubject(TWO)
      const { call } = await javaClient(bench, { millrace: { lease }, java: { lease: 1 } })
      const echo = (data: string): JavaCall => call('unary', { route: 'interop.echo', data })

      const within = [await echo('1').ended(), await echo('2').ended()]
      const beyond = echo('3')
      lease.next(TWO)

      deepEqual(within, [{ items: ['1'] }, { items: ['2'] }])
      deepEqual(await beyond.ended(), { items: ['3'] })
    },
    async server(bench) {
      const { stub, server } = await javaServer(bench, { millrace: { honorLease: true }, java: { lease: 1 } })
      const waiting = [stub.promise.echo(1), stub.promise.echo(2)]
      bench.java.say('grant', server, { ttlMs: 20_000, n: 2 })

      deepEqual(await Promise.all(waiting), [1, 2])
      const { code, reason, retry: advice } = await failureOf(stub.echo(3))
      bench.java.say('grant', server, { ttlMs: 20_000, n: 1 })

      deepEqual([code, reason, advice.safe], ['RESOURCE_EXHAUSTED', 'no_lease', true])
      equal(await lastValueFrom(stub.echo(4).pipe(retry({ count: 100, delay: 20 }))), 4)
    },
  },
  {
    name: 'lease: of a client for its server',
    async client(bench) {
      const lease = new BehaviorSubject(TWO)
      const { on, call, connections } = await javaClient(bench, { millrace: { lease }, java: { lease: 'both' } })
      await call('unary', { route: 'interop.echo', data: '1' }).ended()
      const stub = createStub(Interop, await firstValueFrom(connections), { log: silentLog })

      const waiting = stub.promise.echo(1)
      bench.java.say('grant', on, { ttlMs: 20_000, n: 1 })

      equal(await waiting, 1)
      equal((await failureOf(stub.echo(2))).reason, 'no_lease')
    },
    async server(bench) {
      const lease = new BehaviorSubject(TWO)
      const serve = createServer({ actors: [interopActor().actor], log: silentLog })
      const { server, port } = await serveJava(bench, { lease: 1 })
      const { stub } = await connectMillrace(bench, port, { honorLease: true, lease }, { serve })
      bench.java.say('grant', server, { ttlMs: 20_000, n: 10 })
      await stub.promise.echo(0)
      const echo = (data: string): JavaCall => bench.java.call(server, 'unary', { route: 'interop.echo', data })

      const within = [await echo('1').ended(), await echo('2').ended()]
      const beyond = echo('3')
      lease.next(TWO)

      deepEqual(within, [{ items: ['1'] }, { items: ['2'] }])
      deepEqual(await beyond.ended(), { items: ['3'] })
    },
  },
  {
    name: 'lease: a client that asks for none is held to it',
    async client(bench) {
      const { call } = await javaClient(bench, { millrace: { lease: new BehaviorSubject(TWO) } })
      const echo = (data: string): JavaCall => call('unary', { route: 'interop.echo', data })

      const within = [await echo('1').ended(), await echo('2').ended()]
      const { error } = await echo('3').ended()

      deepEqual(within, [{ items: ['1'] }, { items: ['2'] }])
      equal(error?.type, 'RejectedException')
      match(error.message, /lease_exceeded/)
    },
  },
  {
    name: 'lease: asked of a server that grants none',
    async client(bench) {
      const { call } = await javaClient(bench, { java: { lease: 1 } })

      const { error } = await call('unary', { route: 'interop.echo', data: '1' }).ended()

      equal(error?.type, 'UnsupportedSetupException')
    },
    async server(bench) {
      const { stub } = await javaServer(bench, { millrace: { honorLease: true } })

      const { code } = await failureOf(stub.echo(1))

      equal(code, 'FAILED_PRECONDITION')
    },
  },
]
