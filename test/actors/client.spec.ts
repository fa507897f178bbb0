import { actor, contract, duplex, serverStream, unary } from 'millrace/actors'
import { RpcError } from 'millrace/core'
import type { Peer, Protocol } from 'millrace/protocol'
import type { Registry, Snapshot } from 'millrace/registry'
import { pacedMap } from 'millrace/streams'
import { filterVersion, roundRobin, type Outcome, type Selector } from 'millrace/selector'
import { finalize, map, NEVER, Observable, of, pipe, Subject, take, throwError } from 'rxjs'
import { describe, expect, it, vi } from 'vitest'
import { record } from '../support/recording.js'
import { thrownBy } from '../support/thrown-by.js'
import { virtualCluster } from '../support/virtual-cluster.js'

const Words = contract('words', {
  count: unary<string, number>(),
  wait: unary<void, number>(),
  ticks: serverStream<void, number>(),
  upper: duplex<string, string>(),
})

interface Doings {
  readonly wait?: () => Observable<number>
  readonly count?: (text: string) => number
}

function wordsActor({ wait = () => NEVER, count = text => text.length }: Doings = {}) {
  return actor(Words, {
    count,
    wait,
    ticks: () => of(1, 2, 3),
    upper: text$ => text$.pipe(map(text => text.toUpperCase())),
  })
}

/** A selector that writes down how calls ended. */
function noting(outcomes: Outcome[]): Selector {
  return context => {
    context.outcomes$.subscribe(outcome => outcomes.push(outcome))
    return roundRobin(context)
  }
}

/** A registry that answers when it is told to. */
function slowRegistry(): { readonly registry: Registry; readonly snapshots: Subject<Snapshot>[] } {
  const snapshots: Subject<Snapshot>[] = []
  const registry: Registry = {
    name: 'slow',
    register: () => NEVER,
    watch: () =>
      new Observable(subscriber => {
        const subject = new Subject<Snapshot>()
        snapshots.push(subject)
        return subject.subscribe(subscriber)
      }),
    get: () => NEVER,
    list: () => NEVER,
  }
  return { registry, snapshots }
}

describe('createClient', () => {
  it('calls a service that the registry knows', () => {
    const cluster = virtualCluster()
    cluster.serve({ actors: [wordsActor()] })
    const words = cluster.client().of(Words)

    const count = record(words.count('abc'))
    const upper = record(of('a', 'b').pipe(words.upper))
    cluster.advance(10)

    expect(count).toMatchObject({ values: [3], completed: true })
    expect(upper).toMatchObject({ values: ['A', 'B'], completed: true })
  })

  it('spreads calls over the nodes', () => {
    const cluster = virtualCluster()
    const counts = [vi.fn(() => 1), vi.fn(() => 2)]
    for (const count of counts) cluster.serve({ actors: [wordsActor({ count })] })
    const words = cluster.client({ selector: roundRobin }).of(Words)

    for (let call = 0; call < 10; call++) record(words.count('a'))
    cluster.advance(10)

    expect(counts.map(count => count.mock.calls.length)).toEqual([5, 5])
  })

  it('fails at once when nobody serves', () => {
    const cluster = virtualCluster()

    const { error } = record(cluster.client().of(Words).count('a'))

    expect(error).toMatchObject({ code: 'UNAVAILABLE', reason: 'no_endpoint', retry: { safe: true } })
    expect(error?.message).toContain('service words')
    expect(error?.hops).toEqual([{ service: 'words', endpoint: 'words.count' }])
  })

  it('says that the nodes speak another protocol', () => {
    const cluster = virtualCluster()
    cluster.serve({ actors: [wordsActor()] })
    const other = { ...cluster.protocol, name: 'grpc', connect: cluster.protocol.connect.bind(cluster.protocol) }

    const { error } = record(cluster.client({ protocol: other }).of(Words).count('a'))

    expect(error).toMatchObject({ code: 'UNAVAILABLE', reason: 'no_endpoint' })
    expect(error?.message).toContain('0 of 1 usable: 1 of another protocol than grpc over memory')
  })

  it('reaches a service by another name than its contract', () => {
    const cluster = virtualCluster()
    cluster.serve({ actors: [wordsActor()], name: 'language' })

    const count = record(cluster.client().of(Words, { service: 'language' }).count('abc'))
    cluster.advance(10)

    expect(count.values).toEqual([3])
  })

  it('tells the node in the hops of its errors', () => {
    const cluster = virtualCluster()
    const fails = new RpcError('NOT_FOUND', 'none')
    const statuses = cluster.serve({ actors: [wordsActor({ wait: () => throwError(() => fails) })] })

    const call = record(cluster.client().of(Words).wait())
    cluster.advance(10)

    const node = statuses.values.flatMap(status => (status.state === 'registered' ? status.instances : []))[0]?.node.id
    expect(call.error?.hops).toEqual([{ service: 'words', endpoint: 'words.wait', node }])
  })

  it('watches a service once for all its stubs', () => {
    const cluster = virtualCluster()
    const watch = vi.spyOn(cluster.registry, 'watch')
    const client = cluster.client()

    record(client.of(Words).count('a'))
    record(client.of(Words).count('a'))

    expect(watch).toHaveBeenCalledTimes(1)
  })

  describe('before the first snapshot', () => {
    it('calls wait', () => {
      const cluster = virtualCluster()
      cluster.serve({ actors: [wordsActor()] })
      const { registry, snapshots } = slowRegistry()
      const count = record(cluster.client({ registry }).of(Words).count('abc'))
      cluster.advance(10)
      expect(count).toMatchObject({ values: [], error: undefined })

      cluster.registry.watch('words').pipe(take(1)).subscribe(snapshots[0])
      cluster.advance(10)

      expect(count.values).toEqual([3])
    })

    it('calls end with their deadline', () => {
      const cluster = virtualCluster()
      const count = record(cluster.client({ registry: slowRegistry().registry, deadlineMs: 50 }).of(Words).count('a'))

      cluster.advance(50)

      expect(count.error?.code).toBe('DEADLINE_EXCEEDED')
    })

    it('calls fail with the watch, later ones watch anew', () => {
      const cluster = virtualCluster()
      const { registry, snapshots } = slowRegistry()
      const words = cluster.client({ registry }).of(Words)
      const first = record(words.count('a'))

      snapshots[0]?.error(new RpcError('PERMISSION_DENIED', 'no watching'))
      const second = record(words.count('a'))
      snapshots[1]?.next({ services: [], asOf: 0, stale: false })

      expect(first.error?.code).toBe('PERMISSION_DENIED')
      expect(second.error?.reason).toBe('no_endpoint')
    })

    it('calls fail with a selector that throws, later ones too', () => {
      const words = virtualCluster()
        .client({ selector: context => pipe(filterVersion('>=1'), roundRobin(context)) })
        .of(Words)

      const calls = [record(words.count('a')), record(words.count('a'))]

      expect(calls.map(({ error }) => error?.reason)).toEqual(['invalid_version_range', 'invalid_version_range'])
    })

    it('calls fail with a pick that throws', () => {
      const { registry, snapshots } = slowRegistry()
      const throwing: Selector = () =>
        map(() => () => {
          throw new RpcError('DATA_LOSS', 'no pick')
        })
      const words = virtualCluster().client({ registry, selector: throwing }).of(Words)
      const waiting = record(words.count('a'))

      snapshots[0]?.next({ services: [], asOf: 0, stale: false })
      const later = record(words.count('a'))

      expect([waiting.error?.code, later.error?.code]).toEqual(['DATA_LOSS', 'DATA_LOSS'])
    })

    it('calls fail when the client is closed', () => {
      const cluster = virtualCluster()
      const client = cluster.client({ registry: slowRegistry().registry })
      const call = record(client.of(Words).count('a'))

      client.close()

      expect(call.error).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'client_closed' })
    })
  })

  describe('outcomes', () => {
    it('tell how each call ended, once', () => {
      const cluster = virtualCluster()
      const fails = new RpcError('NOT_FOUND', 'none', { reason: 'no_word' })
      cluster.serve({ actors: [wordsActor({ wait: () => throwError(() => fails) })] })
      const outcomes: Outcome[] = []
      const words = cluster.client({ selector: noting(outcomes) }).of(Words)

      record(words.count('a').pipe(take(1)))
      record(words.ticks())
      record(words.wait())
      record(words.ticks().pipe(take(1)))
      cluster.advance(10)

      const results = outcomes.map(({ result, reason }) => [result, reason])
      expect(results).toHaveLength(4)
      expect(results).toEqual(
        expect.arrayContaining([
          ['ok', undefined],
          ['ok', undefined],
          ['NOT_FOUND', undefined],
          ['cancelled', undefined],
        ]),
      )
    })

    it('name the refused connection', () => {
      const cluster = virtualCluster()
      cluster.serve({ actors: [wordsActor()], advertise: 'memory:nobody' })
      const outcomes: Outcome[] = []

      const call = record(
        cluster
          .client({ selector: noting(outcomes) })
          .of(Words)
          .count('a'),
      )
      cluster.advance(10_000)

      expect(outcomes).toMatchObject([{ result: 'UNAVAILABLE', reason: 'connect_failed' }])
      expect(call.error).toMatchObject({ reason: 'connect_failed', retry: { safe: true } })
    })

    it('keep quiet about connections of the node itself', () => {
      const cluster = virtualCluster()
      const hops = [{ service: 'db', endpoint: 'db.get' }]
      const down = new RpcError('UNAVAILABLE', 'db', { reason: 'connect_failed', hops })
      cluster.serve({ actors: [wordsActor({ wait: () => throwError(() => down) })] })
      const outcomes: Outcome[] = []

      record(
        cluster
          .client({ selector: noting(outcomes) })
          .of(Words)
          .wait(),
      )
      cluster.advance(10)

      expect(outcomes).toMatchObject([{ result: 'UNAVAILABLE' }])
      expect(outcomes[0]).not.toHaveProperty('reason')
    })
  })

  it('lets running calls end at a node that left', () => {
    const cluster = virtualCluster()
    const answer = new Subject<number>()
    const stop = new Subject<void>()
    cluster.serve({ actors: [wordsActor({ wait: () => answer })] }, stop)
    const words = cluster.client().of(Words)
    const call = record(words.wait())
    cluster.advance(10)

    stop.next()
    cluster.advance(10)
    const late = record(words.count('a'))
    answer.next(7)
    answer.complete()
    cluster.advance(10)

    expect(call).toMatchObject({ values: [7], completed: true })
    expect(late.error?.reason).toBe('no_endpoint')
  })

  it('closes the connections of a node that left', () => {
    const cluster = virtualCluster()
    cluster.serve({ actors: [wordsActor()] })
    const { registry, snapshots } = slowRegistry()
    const closed = vi.fn()
    const { name, transport } = cluster.protocol
    const connect: Protocol['connect'] = address => cluster.protocol.connect(address).pipe(finalize(closed))
    const protocol: Protocol = { name, transport, connect, listen: () => NEVER }
    const call = record(cluster.client({ registry, protocol }).of(Words).count('a'))
    cluster.registry
      .watch('words')
      .pipe(take(1))
      .subscribe(snapshot => snapshots[0]?.next(snapshot))
    cluster.advance(10)
    expect(call.completed).toBe(true)
    expect(closed).not.toHaveBeenCalled()

    snapshots[0]?.next({ services: [], asOf: 0, stale: false })
    cluster.advance(10)

    expect(closed).toHaveBeenCalledTimes(1)
  })

  it('cancels the handler when unsubscribed', () => {
    const cluster = virtualCluster()
    const left = vi.fn()
    cluster.serve({ actors: [wordsActor({ wait: () => new Observable(() => left) })] })
    const call = record(cluster.client().of(Words).wait())
    cluster.advance(10)

    call.subscription.unsubscribe()
    cluster.advance(10)

    expect(left).toHaveBeenCalledTimes(1)
  })

  it('slows a producer to the pace of its consumer', () => {
    const cluster = virtualCluster()
    let produced = 0
    const Numbers = contract('numbers', { all: serverStream<void, number>() })
    const all = function* () {
      while (true) yield produced++
    }
    cluster.serve({ actors: [actor(Numbers, { all })] })
    const gate = new Subject<void>()
    const slowly = pacedMap(() => gate.pipe(take(1)), { concurrency: 1 })
    const done = record(cluster.client().of(Numbers).all().pipe(slowly))
    cluster.advance(100)
    expect(produced).toBe(256) // the window

    for (let item = 0; item < 100; item++) gate.next()
    cluster.advance(100)

    expect(done.values).toHaveLength(100)
    expect(produced).toBeGreaterThan(257)
    expect(produced).toBeLessThanOrEqual(357)
  })

  it('asks iterable requests only for what can be sent', () => {
    const cluster = virtualCluster()
    let produced = 0
    const Sink = contract('sink', { pour: duplex<number, number>() })
    cluster.serve({ actors: [actor(Sink, { pour: number$ => number$.pipe(pacedMap(() => NEVER)) })] })
    const numbers = function* () {
      while (true) yield produced++
    }

    const { error } = record(cluster.client().of(Sink).pour(numbers()))
    cluster.advance(100)

    expect(error).toBeUndefined()
    expect(produced).toBe(256) // the window
  })

  it('fails and cancels at the deadline', () => {
    const cluster = virtualCluster()
    const left = vi.fn()
    cluster.serve({ actors: [wordsActor({ wait: () => new Observable(() => left) })] })
    const call = record(cluster.client({ deadlineMs: 100 }).of(Words).wait())

    cluster.advance(110)

    expect(call.error?.code).toBe('DEADLINE_EXCEEDED')
    expect(left).toHaveBeenCalledTimes(1)
  })

  it('wraps calls in interceptors once a service', () => {
    const cluster = virtualCluster()
    cluster.serve({ actors: [wordsActor()] })
    const wrapped = vi.fn((next: Peer) => next)
    const client = cluster.client({ interceptors: [wrapped] })

    record(client.of(Words).count('a'))
    record(client.of(Words).count('b'))

    expect(wrapped).toHaveBeenCalledTimes(1)
  })

  describe('close', () => {
    it('refuses new calls and lets running ones end', () => {
      const cluster = virtualCluster()
      const answer = new Subject<number>()
      cluster.serve({ actors: [wordsActor({ wait: () => answer })] })
      const client = cluster.client()
      const running = record(client.of(Words).wait())
      cluster.advance(10)

      client.close()
      client.close()
      const refused = record(client.of(Words).count('a'))
      const unknown = record(client.of(Words, { service: 'new' }).count('a'))
      answer.next(7)
      answer.complete()
      cluster.advance(10)

      expect(running).toMatchObject({ values: [7], completed: true })
      expect(refused.error?.reason).toBe('client_closed')
      expect(unknown.error?.reason).toBe('client_closed')
    })

    it('resolves as disposal when running calls have ended', async () => {
      const cluster = virtualCluster()
      const answer = new Subject<number>()
      cluster.serve({ actors: [wordsActor({ wait: () => answer })] })
      const client = cluster.client()
      record(client.of(Words).wait())
      cluster.advance(10)
      let disposed = false
      const disposal = client[Symbol.asyncDispose]().then(() => (disposed = true))
      await Promise.resolve()
      expect(disposed).toBe(false)

      answer.next(7)
      answer.complete()
      cluster.advance(10)

      await expect(disposal).resolves.toBe(true)
    })
  })

  it('lists what is wrong with its options', () => {
    const error = thrownBy(() => virtualCluster().client({ registry: undefined, deadlineMs: -1, retries: 3 } as never))

    expect(error.reason).toBe('invalid_options')
    expect(error.details).toHaveLength(3)
  })

  it.each([
    ['pool', { pool: { maxConnections: 0 } }, 'invalid_options'],
    ['header', { header: { 'a b': 'c' } }, 'invalid_header'],
  ])('refuses a wrong %s when it is made', (_, options, reason) => {
    expect(thrownBy(() => virtualCluster().client(options)).reason).toBe(reason)
  })

  it('refuses a service name that is none', () => {
    const client = virtualCluster().client()

    expect(thrownBy(() => client.of(Words, { service: 'a b' })).reason).toBe('invalid_options')
  })
})
