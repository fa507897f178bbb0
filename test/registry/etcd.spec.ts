import { silentLog } from 'millrace/core'
import { etcd } from 'millrace/registry/etcd'
import type { Registration } from 'millrace/registry'
import { BehaviorSubject, firstValueFrom, NEVER, startWith, type Subscription } from 'rxjs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { encodeRecord, recordKey } from '../../src/registry/go-micro-record.js'
import { instanceOf } from '../compliance/registry-probe.js'
import { eventually } from '../support/deadline.js'
import { startEtcd, type EtcdServer } from '../support/etcd-server.js'
import { freePorts } from '../support/free-ports.js'
import { PausingProxy } from '../support/pausing-proxy.js'

const PATIENCE_MS = 10_000

let server: EtcdServer
const open: Subscription[] = []

beforeAll(async () => {
  server = await startEtcd()
})

afterAll(() => server.stop())

afterEach(() => {
  for (const each of open.splice(0)) each.unsubscribe()
})

/** Keeps what it is given subscribed until the test ends. */
function running(subscription: Subscription): void {
  open.push(subscription)
}

describe('etcd', () => {
  it('shares one connection between all that use it', async () => {
    const proxy = new PausingProxy(server.port)
    const registry = etcd({ endpoints: [`127.0.0.1:${await proxy.listen()}`], prefix: '/one', ttlMs: 2000 })
    const renewals: unknown[] = []
    running(registry.register(new BehaviorSubject(instanceOf('words', 'a'))).subscribe(each => renewals.push(each)))
    running(registry.watch('words').subscribe())
    await eventually(() => renewals.length > 0, PATIENCE_MS, 'the registration')

    for (let round = 0; round < 5; round++) await firstValueFrom(registry.watch(`other${round}`))
    await firstValueFrom(registry.get('words'))

    expect(proxy.open).toBe(2) // the two ends of one
    await proxy.close()
  })

  it('lists more records than one answer has', async () => {
    const instances = Array.from({ length: 600 }, (_, index) => instanceOf('words', `n${index}`))
    await Promise.all(
      instances.map(each => server.keys.put(recordKey('/many', 'words', each.node.id), encodeRecord(each))),
    )

    const services = await firstValueFrom(etcd({ endpoints: [address()], prefix: '/many' }).get('words'))

    expect(services[0]?.nodes).toHaveLength(600)
  })

  it('passes over members that cannot be reached', async () => {
    const nobody = await freePorts(2)
    const endpoints = [...nobody.map(port => `127.0.0.1:${port}`), address()]

    const answers = [0, 1, 2, 3].map(() => firstValueFrom(etcd({ endpoints, prefix: '/over' }).get('words')))

    expect(await Promise.all(answers)).toEqual([[], [], [], []])
  })

  it('goes on at another member when one stands still', async () => {
    const proxy = new PausingProxy(server.port)
    const endpoints = [`127.0.0.1:${await proxy.listen()}`, address()]
    proxy.pause()

    const answers = [0, 1, 2, 3].map(() =>
      firstValueFrom(etcd({ endpoints, prefix: '/still', callTimeoutMs: 300 }).get('words')),
    )

    expect(await Promise.all(answers)).toEqual([[], [], [], []])
    await proxy.close()
  })

  it('tells endpoint and cause when nobody can be reached', async () => {
    const [port = 0] = await freePorts(1)
    const registry = etcd({ endpoints: [`127.0.0.1:${port}`], log: silentLog })
    const instance$ = NEVER.pipe(startWith(instanceOf('words', 'a')))

    const { lost } = await firstValueFrom(registry.register(instance$))

    expect(lost).toMatchObject({
      code: 'UNAVAILABLE',
      reason: 'registry_unavailable',
      rawMessage: `etcd at 127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}`,
    })
  })

  it('refuses a record that nobody would read', async () => {
    const registry = etcd({ endpoints: [address()], prefix: '/refused' })
    const instance = { ...instanceOf('words', 'a'), metadata: { text: 'x'.repeat(1_100_000) } }

    const refused = firstValueFrom(registry.register(NEVER.pipe(startWith(instance))))

    await expect(refused).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'record_too_large' })
  })

  it('leaves another its key when both have one id', async () => {
    const registry = etcd({ endpoints: [address()], prefix: '/twice', ttlMs: 2000, log: silentLog })
    const told: Registration[] = []
    running(registry.register(new BehaviorSubject(instanceOf('words', 'a'))).subscribe(each => told.push(each)))
    await eventually(() => told.length > 0, PATIENCE_MS, 'the registration')
    const other = instanceOf('words', 'a', { address: '127.0.0.1:4999' })

    running(registry.register(new BehaviorSubject(other)).subscribe())

    await eventually(() => told.length > 1, PATIENCE_MS, 'word of the other')
    expect(told[1]?.lost).toMatchObject({ code: 'ALREADY_EXISTS', reason: 'node_replaced' })
    const services = await firstValueFrom(registry.get('words'))
    expect(services[0]?.nodes).toEqual([other.node])
  })

  it.each([
    ['http://127.0.0.1:2379', 'with a scheme'],
    ['127.0.0.1:70000', 'with no port'],
    ['', 'without text'],
  ])('refuses the endpoint %j', endpoint => {
    expect(() => etcd({ endpoints: [endpoint] })).toThrow('endpoints[0]: expected host:port of an etcd')
  })

  it('refuses to have no endpoint', () => {
    expect(() => etcd({ endpoints: [] })).toThrow('endpoints: expected at least one')
  })
})

function address(): string {
  return `127.0.0.1:${server.port}`
}
