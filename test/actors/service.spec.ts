import { actor, contract, createService, duplex, unary } from 'millrace/actors'
import { RpcError, silentLog, type LogEvent } from 'millrace/core'
import type { Protocol } from 'millrace/protocol'
import type { Registry } from 'millrace/registry'
import fc from 'fast-check'
import { BehaviorSubject, defer, firstValueFrom, map, NEVER, Observable, Subject, take, throwError } from 'rxjs'
import { describe, expect, it, vi } from 'vitest'
import { record } from '../support/recording.js'
import { thrownBy } from '../support/thrown-by.js'
import { virtualCluster, type VirtualCluster } from '../support/virtual-cluster.js'

const Words = contract(
  'words',
  { count: unary<string, number>(), upper: duplex<string, string>() },
  { version: '1.2.0' },
)
const Clock = contract('clock', { now: unary<void, number>() }, { version: '2.0.0' })
const words = actor(Words, { count: text => text.length, upper: text$ => text$ })
const clock = actor(Clock, { now: () => 1 })

function states({ values }: { readonly values: readonly { readonly state: string }[] }): readonly string[] {
  return values.map(({ state }) => state)
}

/** A service with one call running that ends when `answer` says so. */
function busy(options: { readonly drainMs?: number; readonly signals?: readonly 'SIGTERM'[] } = {}) {
  const cluster = virtualCluster()
  const answer = new Subject<number>()
  const left = vi.fn()
  const stop = new Subject<void>()
  const now = () => new Observable<number>(subscriber => answer.subscribe(subscriber).add(left))
  const statuses = cluster.serve({ actors: [actor(Clock, { now })], ...options }, stop)
  const call = record(cluster.client().of(Clock).now())
  cluster.advance(10)
  return { cluster, answer, left, stop, statuses, call }
}

function listServices(cluster: VirtualCluster): readonly string[] {
  return record(cluster.registry.list()).values[0] ?? []
}

describe('createService', () => {
  it('tells where it is from starting to stopped', () => {
    const cluster = virtualCluster()
    const stop = new Subject<void>()
    const statuses = cluster.serve({ actors: [words] }, stop)
    expect(states(statuses)).toEqual(['starting', 'listening', 'registered'])

    stop.next()
    cluster.advance(2000)

    expect(states(statuses)).toEqual(['starting', 'listening', 'registered', 'draining', 'stopped'])
    expect(statuses.values.slice(3)).toEqual([
      { state: 'draining', cause: 'stop' },
      { state: 'stopped', aborted: false },
    ])
    expect(statuses.completed).toBe(true)
  })

  it('does nothing before it is run', () => {
    const cluster = virtualCluster()
    const listen = vi.spyOn(cluster.protocol, 'listen')

    createService({ actors: [words], protocol: cluster.protocol, registry: cluster.registry }).run()

    expect(listen).not.toHaveBeenCalled()
  })

  it('registers each contract as a service of its own', async () => {
    const cluster = virtualCluster()
    const statuses = cluster.serve({ actors: [words, clock], metadata: { zone: 'eu' } })

    const { services } = await firstValueFrom(cluster.registry.watch())

    const address = statuses.values.flatMap(status => (status.state === 'listening' ? status.address : []))[0]
    expect(services).toMatchObject([
      { name: 'clock', version: '2.0.0', endpoints: [{ name: 'clock.now', metadata: { kind: 'unary' } }] },
      {
        name: 'words',
        version: '1.2.0',
        endpoints: [
          { name: 'words.count', metadata: { kind: 'unary' } },
          { name: 'words.upper', metadata: { kind: 'duplex', stream: 'true' } },
        ],
        nodes: [{ address, metadata: { protocol: 'rsocket', transport: 'memory', zone: 'eu' } }],
      },
    ])
    expect(services[1]?.nodes[0]?.id).toMatch(/^words-[0-9a-f]{12}$/)
  })

  it('registers all contracts as one service when named', async () => {
    const cluster = virtualCluster()
    cluster.serve({ actors: [words, clock], name: 'office', version: '3.0.0' })

    const { services } = await firstValueFrom(cluster.registry.watch())

    expect(services).toMatchObject([{ name: 'office', version: '3.0.0' }])
    expect(services[0]?.endpoints).toHaveLength(3)
  })

  it('is a node of its own with each run', async () => {
    const cluster = virtualCluster()
    const { protocol, registry, runtime } = cluster
    const service = createService({ actors: [words], protocol, registry, runtime, address: 'memory:', signals: [] })

    record(service.run())
    record(service.run())
    cluster.advance(1)

    const { services } = await firstValueFrom(cluster.registry.watch('words'))
    expect(services[0]?.nodes).toHaveLength(2)
  })

  it('has a node id that every registry takes', () => {
    const label = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,49}$/)
    const names = fc.array(label, { minLength: 1, maxLength: 3 }).map(labels => labels.join('.'))
    fc.assert(
      fc.property(
        names.filter(name => name.length <= 128),
        name => {
          const statuses = virtualCluster().serve({ actors: [words], name })

          expect(states(statuses)).toContain('registered')
        },
      ),
      { seed: 7, numRuns: 50 },
    )
  })

  it('registers the address it is told to advertise', async () => {
    const cluster = virtualCluster()
    cluster.serve({ actors: [words], advertise: 'example.org:80' })

    const { services } = await firstValueFrom(cluster.registry.watch('words'))

    expect(services[0]?.nodes[0]?.address).toBe('example.org:80')
  })

  describe('draining', () => {
    it('says goodbye and lets running calls end', () => {
      const { cluster, answer, stop, statuses, call } = busy()

      stop.next()
      cluster.advance(1000)
      expect(listServices(cluster)).toEqual([])
      expect(states(statuses)).not.toContain('stopped')
      answer.next(7)
      answer.complete()
      cluster.advance(2000)

      expect(call).toMatchObject({ values: [7], completed: true })
      expect(statuses.values.at(-1)).toEqual({ state: 'stopped', aborted: false })
    })

    it('cuts running calls off when the time is up', () => {
      const { cluster, left, stop, statuses, call } = busy({ drainMs: 500 })

      stop.next()
      cluster.advance(510)

      expect(left).toHaveBeenCalledTimes(1)
      expect(call.error?.code).toBe('UNAVAILABLE')
      expect(statuses.values.at(-1)).toEqual({ state: 'stopped', aborted: true })
      expect(statuses.completed).toBe(true)
    })

    it('does not wait long for a registry that is down', () => {
      const cluster = virtualCluster()
      const stop = new Subject<void>()
      const registry: Registry = { ...silent, register: () => NEVER }
      const statuses = cluster.serve({ actors: [words], registry }, stop)

      stop.next()
      cluster.advance(2100)

      expect(statuses.values.at(-1)).toEqual({ state: 'stopped', aborted: false })
    })

    it('begins at once when told before it listens', () => {
      const cluster = virtualCluster()
      const protocol: Protocol = { ...cluster.protocol, listen: () => NEVER }
      const stop = new Subject<void>()
      const statuses = cluster.serve({ actors: [words], protocol }, stop)

      stop.next()

      expect(states(statuses)).toEqual(['starting', 'draining', 'stopped'])
    })

    it('does not begin when stop completes', () => {
      const cluster = virtualCluster()
      const stop = new Subject<void>()
      const statuses = cluster.serve({ actors: [words] }, stop)

      stop.complete()

      expect(states(statuses).at(-1)).toBe('registered')
    })
  })

  describe('signals', () => {
    it('stop the service', () => {
      const cluster = virtualCluster()
      const statuses = cluster.serve({ actors: [words], signals: ['SIGTERM'] })

      process.emit('SIGTERM')
      cluster.advance(2000)

      expect(statuses.values).toContainEqual({ state: 'draining', cause: 'SIGTERM' })
      expect(statuses.completed).toBe(true)
    })

    it('cut the rest off when a second one comes', () => {
      const { left, statuses } = busy({ signals: ['SIGTERM'] })

      process.emit('SIGTERM')
      expect(left).not.toHaveBeenCalled()
      process.emit('SIGTERM')

      expect(left).toHaveBeenCalledTimes(1)
      expect(statuses.values.at(-1)).toEqual({ state: 'stopped', aborted: true })
    })

    it('are listened to only while it runs', () => {
      const before = process.listenerCount('SIGTERM')
      const { cluster, statuses } = busy({ signals: ['SIGTERM'] })
      expect(process.listenerCount('SIGTERM')).toBe(before + 1)

      statuses.subscription.unsubscribe()
      cluster.advance(1)

      expect(process.listenerCount('SIGTERM')).toBe(before)
    })
  })

  it('cuts everything off when unsubscribed', () => {
    const { cluster, left, statuses, call } = busy()

    statuses.subscription.unsubscribe()
    cluster.advance(10)

    expect(left).toHaveBeenCalledTimes(1)
    expect(call.error?.code).toBe('UNAVAILABLE')
    expect(listServices(cluster)).toEqual([])
  })

  it.each(['starting', 'listening', 'registered'])('can be left inside its status %s', state => {
    const cluster = virtualCluster()
    const { protocol, registry, runtime } = cluster
    const service = createService({ actors: [words], protocol, registry, runtime, address: 'memory:', signals: [] })
    const found = record(service.run().pipe(map(status => status.state)))
    const until = ['starting', 'listening', 'registered'].indexOf(state) + 1

    const left = record(service.run().pipe(take(until)))
    cluster.advance(1)
    found.subscription.unsubscribe()

    expect(states(left).at(-1)).toBe(state)
    expect(listServices(cluster)).toEqual([])
  })

  it('fails when it cannot listen', () => {
    const cluster = virtualCluster()
    cluster.serve({ actors: [words], address: 'memory:taken' })

    const statuses = cluster.serve({ actors: [words], address: 'memory:taken' })

    expect(states(statuses)).toEqual(['starting'])
    expect(statuses.error).toMatchObject({ code: 'UNAVAILABLE', reason: 'listen_failed' })
  })

  it('tells, logs and repeats a refused registration', () => {
    const cluster = virtualCluster()
    const refusal = new RpcError('RESOURCE_EXHAUSTED', 'too large', { reason: 'record_too_large' })
    let refusals = 0
    const registry: Registry = {
      ...silent,
      register: instance$ =>
        defer(() => (refusals++ === 0 ? throwError(() => refusal) : cluster.registry.register(instance$))),
    }
    const events: LogEvent[] = []
    const statuses = cluster.serve({ actors: [words], registry, log: event => events.push(event) })
    expect(statuses.values.at(-1)).toMatchObject({ state: 'unregistered', error: refusal })
    expect(events).toMatchObject([{ level: 'warn', event: 'service.unregistered' }])

    cluster.advance(5000)

    expect(states(statuses)).toEqual(['starting', 'listening', 'unregistered', 'registered'])
  })

  it('is announced while its health says true', () => {
    const cluster = virtualCluster()
    const health = new BehaviorSubject(false)
    const statuses = cluster.serve({ actors: [words], health, log: silentLog })
    expect(listServices(cluster)).toEqual([])

    health.next(true)
    expect(listServices(cluster)).toEqual(['words'])
    health.next(false)
    expect(listServices(cluster)).toEqual([])
    health.next(true)

    expect(listServices(cluster)).toEqual(['words'])
    expect(states(statuses).slice(2)).toEqual(['unregistered', 'registered', 'unregistered', 'registered'])
    expect(statuses.values[2]).toMatchObject({ error: { code: 'UNAVAILABLE', reason: 'unhealthy' } })
  })

  it('withdraws when its health fails, and says why', () => {
    const cluster = virtualCluster()
    const health = new Subject<boolean>()
    const events: LogEvent[] = []
    const statuses = cluster.serve({ actors: [words], health, log: event => events.push(event) })
    health.next(true)

    health.error(new RpcError('INTERNAL', 'the disk is gone'))

    expect(listServices(cluster)).toEqual([])
    expect(states(statuses).slice(2)).toEqual(['registered', 'unregistered'])
    expect(events.map(({ event }) => event)).toEqual(['service.health_failed', 'service.unhealthy'])
  })

  it.each([
    ['healthy', true],
    ['unhealthy', false],
  ])('stops and lets its health go when %s', (_, healthy) => {
    const cluster = virtualCluster()
    const health = new BehaviorSubject(healthy)
    const stop = new Subject<void>()
    const statuses = cluster.serve({ actors: [words], health, log: silentLog }, stop)

    stop.next()
    cluster.advance(1)

    expect(states(statuses).slice(-2)).toEqual(['draining', 'stopped'])
    expect(health.observed).toBe(false)
  })

  it.each([
    ['no actors', { actors: [] }, 'invalid_options'],
    ['two actors of one contract', { actors: [words, words] }, 'duplicate_contract'],
    ['a name that is none', { actors: [words], name: 'a b' }, 'invalid_options'],
    ['an unknown option', { actors: [words], adress: ':0' }, 'invalid_options'],
    ['an unknown signal', { actors: [words], signals: ['SIGHUP'] }, 'invalid_options'],
  ])('refuses %s', (_, options, reason) => {
    const { protocol, registry } = virtualCluster()

    expect(thrownBy(() => createService({ protocol, registry, log: silentLog, ...options } as never)).reason).toBe(
      reason,
    )
  })

  const silent: Registry = {
    name: 'silent',
    register: () => NEVER,
    watch: () => NEVER,
    get: () => NEVER,
    list: () => NEVER,
  }
})
