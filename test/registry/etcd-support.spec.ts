import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it, type TestContext } from 'vitest'
import { Child } from '../support/child.js'
import { within } from '../support/deadline.js'
import { EtcdKeys } from '../support/etcd-keys.js'
import { startEtcd, startEtcdCluster, type EtcdOptions, type EtcdServer } from '../support/etcd-server.js'
import { findServer } from '../support/find-server.js'
import { PausingProxy } from '../support/pausing-proxy.js'

async function start({ onTestFinished }: TestContext, options?: EtcdOptions): Promise<EtcdServer> {
  const server = await startEtcd(options)
  onTestFinished(() => server.stop())
  return server
}

describe.concurrent('startEtcd', () => {
  it('keeps what it has when it is killed', async context => {
    const server = await start(context)
    await server.keys.put('/a', 'one')

    await server.kill()
    await expect(server.keys.get('/a')).rejects.toThrow('ECONNREFUSED')
    await server.restart()

    expect(await server.keys.under('/')).toEqual([{ key: '/a', value: 'one' }])
  })

  it('answers nobody while it is paused', async context => {
    const server = await start(context)

    server.pause()
    const whilePaused = await server.keys.healthy()
    server.resume()

    expect(whilePaused).toBe(false)
    expect(await server.keys.healthy()).toBe(true)
  })

  it('has nothing when it was wiped', async context => {
    const server = await start(context)
    await server.keys.put('/a', 'one')

    await server.wipe()

    expect(await server.keys.get('/a')).toBeUndefined()
  })

  it('speaks TLS and asks for certificates', async context => {
    const server = await start(context, { certificate: 'server', asksCertificate: true })

    await server.keys.put('/a', 'one')

    expect(server.endpoint).toMatch('https:')
    expect(await server.keys.get('/a')).toBe('one')
  })

  it('lets only those with the password in', async context => {
    const server = await start(context)
    await server.keys.requirePassword('open sesame')

    await server.keys.put('/a', 'one')

    expect(await server.keys.get('/a')).toBe('one')
    await expect(new EtcdKeys(server.endpoint).get('/a')).rejects.toThrow('user name is empty')
  })

  it('says why it does not start', async context => {
    await expect(start(context, { args: ['--no-such-option'] })).rejects.toThrow('no-such-option')
  })

  it('ends when the process that started it is killed', async () => {
    const starter = new Child('test/registry/etcd-starter.ts')
    const port = Number(await starter.tells('port'))
    const socket = connect(port, '127.0.0.1').resume()
    const ended = once(socket, 'close')
    await once(socket, 'connect')

    starter.signal('SIGKILL')

    await within(ended, 5000, 'the end of etcd')
  })
})

describe('startEtcdCluster', () => {
  it('makes one etcd of its members', async ({ onTestFinished }) => {
    const members = await startEtcdCluster(3)
    onTestFinished(async () => {
      await Promise.all(members.map(member => member.stop()))
    })

    await members[0]?.keys.put('/a', 'one')

    expect(await Promise.all(members.map(({ keys }) => keys.get('/a')))).toEqual(['one', 'one', 'one'])
    expect((await Promise.all(members.map(({ keys }) => keys.leads()))).filter(Boolean)).toHaveLength(1)
  })
})

describe('PausingProxy', () => {
  it('holds bytes back until it is resumed', async context => {
    const server = await start(context)
    const proxy = new PausingProxy(server.port)
    const behind = new EtcdKeys(`http://127.0.0.1:${await proxy.listen()}`)

    proxy.pause()
    const whilePaused = await behind.healthy()
    proxy.resume()

    expect(whilePaused).toBe(false)
    expect(await behind.healthy()).toBe(true)
    await proxy.close()
  })
})

describe('findServer', () => {
  it('says what to install', () => {
    const program = { name: 'no-such-server', debianPackage: 'some-package', variable: 'NO_SUCH_SERVER_BIN' }

    expect(() => findServer(program)).toThrow(
      "no-such-server not found: install Debian's some-package, or set NO_SUCH_SERVER_BIN to its path.",
    )
  })
})
