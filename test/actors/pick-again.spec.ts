import {
  actor,
  clientStream,
  contract,
  createClient,
  createService,
  duplex,
  serverStream,
  tell,
  unary,
  type Stub,
} from 'millrace/actors'
import { silentLog, systemRuntime } from 'millrace/core'
import { rsocket } from 'millrace/protocol/rsocket'
import { staticRegistry } from 'millrace/registry'
import { roundRobin, type Outcome, type Selector } from 'millrace/selector'
import { tcp } from 'millrace/transport/tcp'
import * as E from 'fp-ts/lib/Either.js'
import fc from 'fast-check'
import {
  catchError,
  count,
  defer,
  delay,
  EMPTY,
  identity,
  lastValueFrom,
  map,
  mergeMap,
  type MonoTypeOperatorFunction,
  type Observable,
  of,
  range,
  tap,
} from 'rxjs'
import { describe, expect, it } from 'vitest'
import { eventually } from '../support/deadline.js'
import { first } from '../support/first.js'
import { record } from '../support/recording.js'
import { virtualCluster, type VirtualCluster } from '../support/virtual-cluster.js'

const Words = contract('words', {
  count: unary<string, number>(),
  letters: serverStream<string, string>(),
  sum: clientStream<string, number>(),
  upper: duplex<string, string>(),
  note: tell<string>(),
})

/** Answers, counts after `later`, and writes down the text of each call that it has run. */
function wordsActor(ran: string[], later: MonoTypeOperatorFunction<number> = identity) {
  const runs = (text: string): string => {
    ran.push(text)
    return text
  }
  return actor(Words, {
    count: text => of(runs(text).length).pipe(later),
    letters: text => of(runs(text), text),
    sum: text$ => text$.pipe(tap(runs), count()),
    upper: text$ => text$.pipe(map(text => runs(text).toUpperCase())),
    note: text => void runs(text),
  })
}

/** A call of each kind, each with one text. */
const kinds: { readonly [kind: string]: (words: Stub<typeof Words.endpoints>, text: string) => Observable<unknown> } = {
  unary: (words, text) => words.count(text),
  serverStream: (words, text) => words.letters(text),
  clientStream: (words, text) => words.sum(of(text)),
  duplex: (words, text) => words.upper(of(text)),
  tell: (words, text) => words.note(text),
}

/** A selector that counts its picks, and writes down how they ended. */
function noting(picks: string[], outcomes: Outcome[]): Selector {
  return context => {
    context.outcomes$.subscribe(outcome => outcomes.push(outcome))
    return next$ =>
      next$.pipe(
        roundRobin(context),
        map(next => pick => {
          const answer = next(pick)
          if (E.isRight(answer)) picks.push(answer.right.id)
          return answer
        }),
      )
  }
}

/** A node that is registered, and where nobody listens. */
function serveNowhere(cluster: VirtualCluster): void {
  cluster.serve({ actors: [wordsActor([])], advertise: 'memory:nobody' })
}

describe('a call whose request cannot leave', () => {
  it.each(Object.entries(kinds))('is answered elsewhere: %s', (_, call) => {
    const cluster = virtualCluster()
    const ran: string[] = []
    serveNowhere(cluster)
    serveNowhere(cluster)
    cluster.serve({ actors: [wordsActor(ran)] })
    const words = cluster.client({ selector: roundRobin }).of(Words)

    const calls = ['a', 'b', 'c'].map(text => record(call(words, text)))
    cluster.advance(20_000)

    expect(calls.map(({ completed }) => completed)).toEqual([true, true, true])
    expect(ran.toSorted()).toEqual(['a', 'b', 'c'])
  })

  it('names the nodes it was tried at', () => {
    const cluster = virtualCluster()
    for (let node = 0; node < 3; node++) serveNowhere(cluster)

    const { error } = runOne(cluster)

    expect(error).toMatchObject({ code: 'UNAVAILABLE', reason: 'connect_failed', retry: { safe: true } })
    expect(error?.message).toContain('; 3 nodes were tried')
    expect(error?.details).toHaveProperty('tried.length', 3)
  })

  it('is tried at ten nodes at most', () => {
    const cluster = virtualCluster()
    for (let node = 0; node < 12; node++) serveNowhere(cluster)

    const { error } = runOne(cluster)

    expect(error?.details).toHaveProperty('tried.length', 10)
  })

  it('runs once at most, each pick having one outcome', () => {
    const nodes = fc.array(fc.boolean(), { minLength: 1, maxLength: 5 })
    const kind = fc.constantFrom(...Object.keys(kinds))
    const calls = fc.array(fc.record({ kind, leavesMs: fc.option(fc.nat(30)) }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(nodes, calls, (alive, made) => {
        const cluster = virtualCluster()
        const [picks, outcomes, ran]: [string[], Outcome[], string[]] = [[], [], []]
        for (const node of alive) cluster.serve(node ? { actors: [wordsActor(ran)] } : nowhere)
        const words = cluster.client({ selector: noting(picks, outcomes) }).of(Words)

        const calling = made.map(({ kind, leavesMs }, index) => {
          const call = record(kinds[kind]?.(words, String(index)) ?? EMPTY)
          if (leavesMs !== null) cluster.runtime.scheduler.schedule(() => call.subscription.unsubscribe(), leavesMs)
          return call
        })
        cluster.advance(200_000)

        expect(new Set(ran).size).toBe(ran.length)
        expect(outcomes.map(({ node }) => node.id).toSorted()).toEqual(picks.toSorted())
        for (const [index, { leavesMs }] of made.entries()) {
          if (leavesMs === null) expect(calling[index]?.completed).toBe(alive.includes(true))
        }
      }),
      { seed: 11, numRuns: 100 },
    )
  })
})

const nowhere = { actors: [wordsActor([])], advertise: 'memory:nobody' }

function runOne(cluster: VirtualCluster) {
  const call = record(cluster.client({ selector: roundRobin }).of(Words).count('a'))
  cluster.advance(200_000)
  return call
}

/** A node on a real network, and what it has run. */
async function serveTcp() {
  const ran: string[] = []
  const runtime = systemRuntime()
  const registry = staticRegistry({ nodes: { words: ['127.0.0.1:1'] }, runtime }) // where nobody looks
  const service = createService({
    actors: [wordsActor(ran, delay(1))],
    protocol: rsocket(tcp(), { log: silentLog }),
    registry,
    address: '127.0.0.1:0',
    signals: [],
    log: silentLog,
  })
  const statuses = record(service.run())
  const registered = () => statuses.values.flatMap(status => (status.state === 'registered' ? status.instances : []))
  await eventually(() => registered().length > 0, 5000, 'a node')
  return { ran, address: first(registered()).node.address, kill: () => statuses.subscription.unsubscribe() }
}

function tcpClient(addresses: readonly string[]) {
  const protocol = rsocket(tcp(), { log: silentLog })
  const registry = staticRegistry({ nodes: { words: addresses } })
  return createClient({ protocol, registry, selector: roundRobin, log: silentLog })
}

describe('over tcp, a call', () => {
  it.each(Object.entries(kinds))('goes round a node that refuses: %s', async (_, call) => {
    const [dead, alive] = [await serveTcp(), await serveTcp()]
    dead.kill()
    const client = tcpClient([dead.address, alive.address])
    const words = client.of(Words)

    await lastValueFrom(range(10).pipe(mergeMap(text => call(words, String(text)))), { defaultValue: undefined })

    await eventually(() => alive.ran.length === 10, 5000, 'the last call')
    client.close()
    alive.kill()
  })

  it('runs once at most when nodes are killed', async () => {
    const nodes = [await serveTcp(), await serveTcp(), await serveTcp()]
    const client = tcpClient(nodes.map(({ address }) => address))
    const words = client.of(Words)
    const reasons: string[] = []
    let answered = 0
    const called$ = range(600).pipe(
      mergeMap(
        text =>
          defer(() => kinds[first(Object.keys(kinds).slice(text % 5))]?.(words, String(text)) ?? EMPTY).pipe(
            tap({
              complete: () => {
                answered++
                if (answered === 100) nodes[0]?.kill()
                if (answered === 300) nodes[1]?.kill()
              },
            }),
            catchError((error: { reason: string }) => {
              reasons.push(error.reason)
              return EMPTY
            }),
          ),
        40,
      ),
    )

    await lastValueFrom(called$, { defaultValue: undefined })

    const ran = nodes.flatMap(node => node.ran)
    expect(new Set(ran).size).toBe(ran.length)
    expect(answered + reasons.length).toBe(600)
    expect(new Set([...reasons, 'connection_lost'])).toEqual(new Set(['connection_lost']))
    client.close()
    nodes[2]?.kill()
  })
})
