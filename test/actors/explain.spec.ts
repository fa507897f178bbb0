import { actor, contract, unary, type Client } from 'millrace/actors'
import { RpcError } from 'millrace/core'
import { memoryRegistry, type Registry } from 'millrace/registry'
import { avoidRefused, filterVersion, leastPending, random, roundRobin, type Explanation } from 'millrace/selector'
import { BehaviorSubject, map, NEVER, of, pipe, throwError, type Observable } from 'rxjs'
import { describe, expect, it, vi } from 'vitest'
import { record, type Recording } from '../support/recording.js'
import { thrownBy } from '../support/thrown-by.js'
import { virtualCluster, type VirtualCluster } from '../support/virtual-cluster.js'

const Words = contract('words', { count: unary<string, number>(), wait: unary<void, number>() })

function serve(cluster: VirtualCluster, advertise?: string): void {
  const words = actor(Words, { count: text => text.length, wait: (): Observable<number> => NEVER })
  cluster.serve({ actors: [words], ...(advertise !== undefined && { advertise }) })
}

/** A node that is registered and nothing else. */
function register(cluster: VirtualCluster, id: string, version: string, metadata = {}): void {
  const node = { id, address: `memory:${id}`, metadata }
  cluster.registry
    .register(new BehaviorSubject({ name: 'words', version, metadata: {}, endpoints: [], node }))
    .subscribe()
  cluster.advance(1)
}

/** What each emission says of its nodes, without what `Node` has. */
function rows({ values }: Recording<Explanation>) {
  return values.at(-1)?.nodes.map(row => ({ ...row, node: undefined }))
}

function explained(client: Client): Recording<Explanation> {
  return record(client.explain('words'))
}

describe('explain', () => {
  it('tells version, zone and which filter left nodes out', () => {
    const cluster = virtualCluster()
    register(cluster, 'a', '1.0.0', { zone: 'eu' })
    register(cluster, 'b', '2.0.0')
    register(cluster, 'c', '2.0.0', { protocol: 'grpc' })
    const client = cluster.client({ selector: context => pipe(filterVersion('2.x'), random(context)) })

    const explanation = explained(client)

    expect(rows(explanation)).toEqual([
      { version: '1.0.0', zone: 'eu', leftOut: 'of another version than 2.x', picked: 0 },
      { version: '2.0.0', picked: 0 },
      { version: '2.0.0', leftOut: 'of another protocol than rsocket over memory', picked: 0 },
    ])
    expect(explanation.values).toMatchObject([{ service: 'words', stale: false }])
  })

  it('tells who refused, how often and until when', () => {
    const cluster = virtualCluster()
    register(cluster, 'a', '0.0.0')
    serve(cluster)
    const client = cluster.client({ selector: context => pipe(avoidRefused(context), roundRobin(context)) })
    const explanation = explained(client)

    for (let call = 0; call < 4; call++) record(client.of(Words).count('a'))
    cluster.advance(100)

    const [refused, ...others] = rows(explanation) ?? []
    expect(refused).toMatchObject({ leftOut: 'refused a connection', failures: 1 })
    expect(refused?.untilMs).toBeGreaterThan(cluster.runtime.scheduler.now())
    expect(others).toMatchObject([{ picked: expect.any(Number) }])
    expect(others[0]).not.toHaveProperty('leftOut')
  })

  it('counts picks and running calls within a second', () => {
    const cluster = virtualCluster()
    serve(cluster)
    const client = cluster.client({ selector: leastPending })
    const explanation = explained(client)

    for (let call = 0; call < 3; call++) record(client.of(Words).wait())
    record(client.of(Words).count('a'))
    cluster.advance(1100)

    expect(rows(explanation)).toEqual([{ version: '0.0.0', picked: 4, load: { pending: 3 } }])
  })

  it('knows what it gave to a selector that tells nothing', () => {
    const cluster = virtualCluster()
    register(cluster, 'a', '1.0.0')
    const client = cluster.client({
      selector: context =>
        pipe(
          random(context),
          map(next => pick => next(pick)),
        ),
    })

    expect(rows(explained(client))).toEqual([{ version: '1.0.0', picked: 0 }])
  })

  it('shares the watch of calls', () => {
    const cluster = virtualCluster()
    serve(cluster)
    const watch = vi.spyOn(cluster.registry, 'watch')
    const client = cluster.client()

    explained(client)
    record(client.of(Words).count('a'))
    const second = explained(client)

    expect(watch).toHaveBeenCalledTimes(1)
    expect(second.values).toHaveLength(1)
  })

  it('completes when its client is closed', () => {
    const cluster = virtualCluster()
    serve(cluster)
    const client = cluster.client()
    const before = explained(client)

    client.close()
    const after = explained(client)

    expect([before.completed, after.completed]).toEqual([true, true])
  })

  it('fails when the watch fails for good', () => {
    const denied = new RpcError('PERMISSION_DENIED', 'no watching')
    const cluster = virtualCluster()
    const registry: Registry = { ...memoryRegistry(), watch: () => throwError(() => denied) }

    expect(explained(cluster.client({ registry })).error?.code).toBe('PERMISSION_DENIED')
  })

  it('says that what it knows is stale', () => {
    const cluster = virtualCluster()
    const registry: Registry = { ...memoryRegistry(), watch: () => of({ services: [], asOf: 5, stale: true }) }

    expect(explained(cluster.client({ registry })).values).toMatchObject([{ stale: true, asOf: 5, nodes: [] }])
  })

  it('refuses a service name that is none', () => {
    expect(thrownBy(() => virtualCluster().client().explain('a b')).reason).toBe('invalid_options')
  })
})
