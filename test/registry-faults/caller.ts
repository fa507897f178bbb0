import { createClient } from 'millrace/actors'
import { RpcError } from 'millrace/core'
import { rsocket } from 'millrace/protocol/rsocket'
import type { Registry } from 'millrace/registry'
import { etcd } from 'millrace/registry/etcd'
import { tcp } from 'millrace/transport/tcp'
import { interval, mergeMap, catchError, EMPTY, finalize, tap, defer } from 'rxjs'
import type { Calls } from './calls.js'
import { PREFIX, services, TTL_MS, type Who } from './many-services.js'

// A process with many clients, each of which watches one service on its own and calls it all the time, until the input
// ends: `caller CLIENTS FIRST ENDPOINT…`. Tells when each has had an answer, and in the end what became of the calls.
const [, , clients = '0', first = '0', ...endpoints] = process.argv
const CALL_EVERY_MS = 250
/** As long as any call may take; a client without a usable node waits for one. */
const DEADLINE_MS = 10_000

/** How long answers took once each client had one, ms. */
const latencies: number[] = []
const failures: string[] = []
const served = new Set<number>()
const stale = { clients: 0, longestMs: 0 }

const ends = Array.from({ length: Number(clients) }, (_, index) => callAllTheTime(index))
process.stdin.resume().on('end', () => {
  for (const end of ends) end()
  tell({ calls: result() })
})

function callAllTheTime(index: number): () => void {
  const registry = observed(etcd({ endpoints, prefix: PREFIX, ttlMs: TTL_MS }))
  const client = createClient({ protocol: rsocket(tcp()), registry, deadlineMs: DEADLINE_MS })
  const service = client.of(services[(Number(first) + index) % services.length] as Who)
  const call$ = defer(() => {
    const from = performance.now()
    return service.who().pipe(
      tap(() => {
        if (served.size === Number(clients)) latencies.push(performance.now() - from)
        else if (served.add(index).size === Number(clients)) tell({ ready: Date.now() })
      }),
      catchError((error: unknown) => {
        failures.push(RpcError.from(error).message)
        return EMPTY
      }),
    )
  })
  const calls = interval(CALL_EVERY_MS)
    .pipe(mergeMap(() => call$))
    .subscribe()
  return () => {
    calls.unsubscribe()
    client.close()
  }
}

/** The registry, and a note of each time that a picture of it was stale. */
function observed(registry: Registry): Registry {
  return {
    name: registry.name,
    register: instance$ => registry.register(instance$),
    get: name => registry.get(name),
    list: () => registry.list(),
    watch: name =>
      defer(() => {
        let since: number | undefined
        const fresh = (): void => {
          if (since !== undefined) stale.longestMs = Math.max(stale.longestMs, Date.now() - since)
          since = undefined
        }
        return registry.watch(name).pipe(
          tap(snapshot => {
            if (!snapshot.stale) fresh()
            else if (since === undefined) {
              since = Date.now()
              stale.clients++
            }
          }),
          finalize(fresh),
        )
      }),
  }
}

function result(): Calls {
  const sorted = latencies.toSorted((a, b) => a - b)
  return {
    answered: sorted.length,
    failures,
    p99Ms: Math.round(sorted[Math.floor(sorted.length * 0.99)] ?? 0),
    slowestMs: Math.round(sorted.at(-1) ?? 0),
    staleWatches: stale.clients,
    longestStaleMs: stale.longestMs,
  }
}

function tell(what: object): void {
  process.stdout.write(`${JSON.stringify(what)}\n`)
}
