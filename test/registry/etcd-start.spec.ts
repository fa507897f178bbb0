import { createService } from 'millrace/actors'
import { silentLog, type RpcError } from 'millrace/core'
import { rsocket } from 'millrace/protocol/rsocket'
import { etcd, type EtcdOptions } from 'millrace/registry/etcd'
import { tcp } from 'millrace/transport/tcp'
import { Subject } from 'rxjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { certificate, identity } from '../support/certificates.js'
import { eventually } from '../support/deadline.js'
import { startEtcd, type EtcdServer } from '../support/etcd-server.js'
import { record } from '../support/recording.js'
import { clock } from './clock.js'

const ca = certificate('authority')
const auth = { username: 'root', password: 'open sesame' }

const servers = {
  plain: () => startEtcd(),
  secure: () => startEtcd({ certificate: 'server' }),
  expired: () => startEtcd({ certificate: 'expired' }),
  asking: () => startEtcd({ certificate: 'server', asksCertificate: true }),
  locked: async () => {
    const server = await startEtcd()
    await server.keys.requirePassword(auth.password)
    return server
  },
  down: async () => {
    const server = await startEtcd()
    await server.kill()
    return server
  },
  frozen: async () => {
    const server = await startEtcd()
    server.pause()
    return server
  },
}
type Name = keyof typeof servers

const started = new Map<Name, EtcdServer>()

beforeAll(async () => {
  const starting = Object.entries(servers).map(async ([name, start]) => started.set(name as Name, await start()))
  await Promise.all(starting)
})

afterAll(async () => {
  await Promise.all([...started.values()].map(server => server.stop()))
})

/** The error that an answer from a server ends with, its endpoint left out; `answers` when it has none. */
async function answerOf(name: Name, options: EtcdOptions): Promise<string> {
  const endpoint = `127.0.0.1:${started.get(name)?.port}`
  const registry = etcd({ endpoints: [endpoint], callTimeoutMs: 1500, log: silentLog, ...options })
  const answer = record(registry.get('words'))
  await eventually(() => answer.completed || answer.error !== undefined, 8000, 'an answer')
  return answer.error === undefined ? 'answers' : shown(answer.error, endpoint)
}

function shown({ code, reason, rawMessage }: RpcError, endpoint: string): string {
  // The words of OpenSSL, which are others in each of its versions.
  return `${code} ${reason}: ${rawMessage.replaceAll(endpoint, 'HERE').replace(/(sslv3|ssl\/tls) alert/, 'alert')}`
}

describe.concurrent('etcd', () => {
  it.each<[Name, EtcdOptions]>([
    ['plain', {}],
    ['secure', { tls: { ca } }],
    ['asking', { tls: { ca, ...identity('client') } as EtcdOptions['tls'] & {} }],
    ['locked', { auth }],
  ])('is answered by a server that is %s', async (name, options) => {
    expect(await answerOf(name, options)).toBe('answers')
  })

  it.each<[string, Name, EtcdOptions, string]>([
    ['nobody listens', 'down', {}, 'UNAVAILABLE registry_unavailable: etcd at HERE: connect ECONNREFUSED HERE'],
    ['nobody answers', 'frozen', {}, 'UNAVAILABLE registry_unavailable: etcd at HERE: no answer within 1500 ms'],
    [
      'the certificate has expired',
      'expired',
      { tls: { ca } },
      'UNAVAILABLE registry_unavailable: etcd at HERE: certificate has expired',
    ],
    [
      'the authority is unknown',
      'secure',
      { tls: { ca: certificate('other-authority') } },
      'UNAVAILABLE registry_unavailable: etcd at HERE: unable to verify the first certificate',
    ],
    [
      'it shows no certificate',
      'asking',
      { tls: { ca } },
      'UNAVAILABLE registry_unavailable: etcd at HERE: alert bad certificate',
    ],
    ['TLS is not spoken', 'secure', {}, 'UNAVAILABLE registry_unavailable: etcd at HERE: Failed to connect'],
    [
      'the password is wrong',
      'locked',
      { auth: { ...auth, password: 'guessed' } },
      'UNAUTHENTICATED registry_unauthenticated: etcd at HERE: etcdserver: authentication failed, invalid user ID or password',
    ],
    [
      'it has no password',
      'locked',
      {},
      'UNAUTHENTICATED registry_unauthenticated: etcd at HERE: etcdserver: user name is empty',
    ],
  ])('says where and why when %s', async (_, name, options, text) => {
    expect(await answerOf(name, options)).toBe(text)
  })
})

describe('createService', () => {
  it('keeps trying to register, and says so', async () => {
    const server = await servers.down()
    const endpoint = `127.0.0.1:${server.port}`
    const registry = etcd({ endpoints: [endpoint], ttlMs: 2000, log: silentLog })
    const stop$ = new Subject<void>()
    const service = createService({ actors: [clock], protocol: rsocket(tcp()), registry, address: '127.0.0.1:0' })
    const run = record(service.run({ stop: stop$ }))
    const told = (state: string) => run.values.find(status => status.state === state)
    await eventually(() => told('unregistered') !== undefined, 8000, 'unregistered')

    await server.restart()
    await eventually(() => told('registered') !== undefined, 8000, 'registered')
    stop$.next()

    await eventually(() => run.completed, 8000, 'the end')
    const states = run.values.map(({ state }) => state)
    expect([states.slice(0, 3), states.slice(-3)]).toEqual([
      ['starting', 'listening', 'unregistered'],
      ['registered', 'draining', 'stopped'],
    ])
    const unregistered = told('unregistered')
    expect(unregistered).toMatchObject({ error: { code: 'UNAVAILABLE' } })
    expect(unregistered).toHaveProperty('error.message', expect.stringContaining(`connect ECONNREFUSED ${endpoint}`))
    await server.stop()
  })
})
