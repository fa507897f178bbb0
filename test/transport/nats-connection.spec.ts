import { createServer } from 'node:net'
import {
  natsConnection,
  type NatsConnection,
  type NatsLink,
  type NatsOptions,
  type NatsStatus,
} from 'millrace/transport/nats'
import { RpcError, silentLog } from 'millrace/core'
import { nkeys } from 'nats'
import { filter, firstValueFrom, Subscription } from 'rxjs'
import { describe, expect, it, type TestContext } from 'vitest'
import { certificate, identity } from '../support/certificates.js'
import { countingRuntime } from '../support/counting-runtime.js'
import { becomes, eventually, within } from '../support/deadline.js'
import { freePorts } from '../support/free-ports.js'
import {
  startNats,
  startNatsCluster,
  type NatsOptions as ServerOptions,
  type NatsServer,
} from '../support/nats-server.js'

async function start({ onTestFinished }: TestContext, options?: ServerOptions): Promise<NatsServer> {
  const server = await startNats({ jetStream: false, ...options })
  onTestFinished(() => server.stop())
  return server
}

/** A connection that is in use, and what has come of it. */
interface Watched {
  readonly connection: NatsConnection
  readonly links: readonly (NatsLink | undefined)[]
  readonly statuses: readonly NatsStatus[]
  readonly error: () => RpcError | undefined
  /** The link there is; waits for one. */
  link(): Promise<NatsLink>
  leave(): void
}

function use({ onTestFinished }: TestContext, options: NatsOptions): Watched {
  const connection = natsConnection({ log: silentLog, idleMs: 0, ...options })
  const links: (NatsLink | undefined)[] = []
  const statuses: NatsStatus[] = []
  let error: RpcError | undefined
  const subscriptions = new Subscription()
  subscriptions.add(connection.status$.subscribe(status => statuses.push(status)))
  subscriptions.add(
    connection.link$.subscribe({
      next: link => links.push(link),
      error: thrown => (error = RpcError.from(thrown)),
    }),
  )
  onTestFinished(() => subscriptions.unsubscribe())
  return {
    connection,
    links,
    statuses,
    error: () => error,
    async link(): Promise<NatsLink> {
      await eventually(() => error !== undefined || links.at(-1) !== undefined, 10_000, 'a link')
      const link = links.at(-1)
      if (link === undefined) throw error ?? new Error('no link')
      return link
    },
    leave: () => subscriptions.unsubscribe(),
  }
}

async function failure(context: TestContext, options: NatsOptions): Promise<RpcError> {
  const { error } = use(context, options)
  await eventually(() => error() !== undefined, 10_000, 'the failure')
  return error() ?? new RpcError('INTERNAL', 'no failure')
}

/** What the server, or the end of the link, says to a confirmation. */
function confirmed(link: NatsLink, subject?: string): Promise<RpcError | undefined> {
  return within(new Promise(resolve => link.confirm(resolve, subject)), 10_000, 'a confirmation')
}

async function connections(server: NatsServer): Promise<number> {
  return (await server.monitor('/connz'))['num_connections'] as number
}

const text = (message: string): Uint8Array => new TextEncoder().encode(message)

describe.concurrent('natsConnection', () => {
  it('carries messages and headers in order', async context => {
    const server = await start(context)
    const link = await use(context, { servers: [server.address] }).link()
    const received: string[] = []
    link.subscribe('a.*', ({ subject, data, headers, reply }) =>
      received.push(`${subject} ${new TextDecoder().decode(data)} ${headers?.get('Key') ?? '-'} ${reply || '-'}`),
    )

    link.publish('a.one', text('1'))
    link.publish('b.one', text('2'))
    link.publish('a.two', text('3'), { headers: [['Key', 'ü v']], reply: 'back' })
    const error = await confirmed(link)

    expect(error).toBeUndefined()
    expect(received).toEqual(['a.one 1 - -', 'a.two 3 ü v back'])
  })

  it('tells what the server is', async context => {
    const server = await start(context, { jetStream: true, maxPayloadBytes: 1000 })

    const link = await use(context, { servers: [server.address] }).link()

    expect(link).toMatchObject({ server: server.address, maxPayloadBytes: 1000, hasJetStream: true })
    expect(link.version).toMatch(/^\d+\.\d+\.\d+/)
  })

  it('shares messages among the members of a queue', async context => {
    const server = await start(context)
    const link = await use(context, { servers: [server.address] }).link()
    const counts = [0, 0]
    for (const index of counts.keys()) {
      link.subscribe('work', () => (counts[index] = (counts[index] ?? 0) + 1), { queue: 'workers' })
    }

    for (let index = 0; index < 100; index++) link.publish('work', text('x'))
    await confirmed(link)

    expect((counts[0] ?? 0) + (counts[1] ?? 0)).toBe(100)
    expect(Math.min(...counts)).toBeGreaterThan(10)
  })

  it('gives nothing after the end of a subscription', async context => {
    const server = await start(context)
    const link = await use(context, { servers: [server.address] }).link()
    let received = 0
    const leave = link.subscribe('a', () => received++)
    link.publish('a', text('1'))
    await confirmed(link)

    leave()
    link.publish('a', text('2'))
    await confirmed(link)

    expect(received).toBe(1)
  })

  it('opens one connection for all who use it', async context => {
    const server = await start(context)
    const { connection, link } = use(context, { servers: [server.address] })
    await link()
    const all = new Subscription()
    for (let index = 0; index < 100; index++) all.add(connection.link$.subscribe())

    expect(await connections(server)).toBe(1)
    all.unsubscribe()
  })

  it('closes the connection once it was idle', async context => {
    const server = await start(context)
    const { link, leave, statuses } = use(context, { servers: [server.address], idleMs: 20 })
    const first = await link()
    let published = 0
    const other = await use(context, { servers: [server.address] }).link()
    other.subscribe('last', () => published++)
    await confirmed(other)

    first.publish('last', text('x'))
    leave()

    await becomes(async () => (await connections(server)) === 1, 5000, 'the end of the connection')
    await confirmed(other)
    expect(published).toBe(1)
    expect(statuses.map(({ state }) => state)).toEqual(['disconnected', 'connecting', 'connected'])
  })

  it('leaves no timer behind', async context => {
    const server = await start(context)
    const runtime = countingRuntime()
    const { link, leave } = use(context, { servers: [server.address], runtime })
    await link()
    const whileOpen = runtime.openTimers

    leave()

    expect(whileOpen).toBeGreaterThan(0)
    await eventually(() => runtime.openTimers === 0, 5000, 'the end of the timers')
  })

  it('is there again after the server was killed', async context => {
    const server = await start(context)
    const { link, links, statuses } = use(context, { servers: [server.address] })
    const first = await link()

    await server.kill()
    await eventually(() => links.at(-1) === undefined, 5000, 'the loss')
    await server.restart()
    const second = await link()

    expect(await confirmed(second)).toBeUndefined()
    expect(() => first.publish('a', text('x'))).toThrow('lost')
    expect(links).toEqual([undefined, first, undefined, second])
    expect(statuses.filter(({ state }) => state === 'connected')).toHaveLength(2)
    expect(statuses.find(status => status.state === 'connecting' && status.error)).toMatchObject({
      attempt: 1,
      error: { reason: 'connection_lost' },
    })
  })

  it('waits for a server that is not there yet', async context => {
    const [port = 0] = await freePorts(1)
    const { statuses } = use(context, { servers: [`127.0.0.1:${port}`] })

    await eventually(() => statuses.length > 3, 5000, 'a few attempts')

    const attempts = statuses.slice(1)
    expect(attempts.map(status => status.state === 'connecting' && status.attempt)).toEqual(
      attempts.map((_, index) => index + 1),
    )
    expect(attempts.at(-1)).toMatchObject({ error: { code: 'UNAVAILABLE', reason: 'connect_failed' } })
  })

  it('fails confirmations when the link ends', async context => {
    const server = await start(context)
    const link = await use(context, { servers: [server.address] }).link()

    server.pause()
    link.publish('a', text('x'))
    const outcome = confirmed(link)
    await server.kill()

    expect(await outcome).toMatchObject({ code: 'UNAVAILABLE', reason: 'connection_lost', retry: { safe: false } })
    expect(await confirmed(link)).toMatchObject({ reason: 'connection_lost' })
  })

  it('notices a frozen server, also with unsent bytes', async context => {
    const server = await start(context)
    const { link, links } = use(context, { servers: [server.address], pingIntervalMs: 100, connectTimeoutMs: 100 })
    const first = await link()

    server.pause()
    const large = new Uint8Array(1_000_000)
    for (let index = 0; index < 20; index++) first.publish('a', large)
    const outcome = await confirmed(first)
    await eventually(() => links.at(-1) === undefined, 5000, 'the loss')
    server.resume()

    expect(outcome).toMatchObject({ reason: 'connection_lost' })
    expect(await confirmed(await link())).toBeUndefined()
    await becomes(async () => (await connections(server)) === 1, 5000, 'the end of other connections')
  })

  it('goes to another server of the cluster that it learnt', async context => {
    const servers = await startNatsCluster(2, { jetStream: false })
    context.onTestFinished(async () => void (await Promise.all(servers.map(server => server.stop()))))
    const [one, other] = servers
    const { link, links } = use(context, { servers: [one?.address ?? ''] })
    const first = await link()
    await becomes(async () => ((await one?.monitor('/routez'))?.['num_routes'] as number) > 0, 5000, 'a route')
    await confirmed(first)

    await one?.kill()
    await eventually(() => links.at(-1) === undefined, 5000, 'the loss')
    const second = await link()

    expect(second.server).toBe(other?.address)
  })

  it('ignores what is no nats-server', async context => {
    const foreign = createServer(socket => socket.end('SSH-2.0-x\r\n')).listen(0, '127.0.0.1')
    context.onTestFinished(() => void foreign.close())
    await new Promise(resolve => foreign.once('listening', resolve))
    const address = foreign.address()
    const { statuses } = use(context, { servers: [`127.0.0.1:${typeof address === 'object' ? address?.port : 0}`] })

    await eventually(() => statuses.length > 2, 5000, 'an attempt')

    expect(String((statuses.at(-1) as { error?: RpcError }).error)).toMatch('no nats-server')
  })

  it('refuses messages above the limit of the server', async context => {
    const server = await start(context, { maxPayloadBytes: 1000 })
    const link = await use(context, { servers: [server.address] }).link()

    const publish = (): void => link.publish('a', new Uint8Array(990), { headers: [['key', 'value']] })

    expect(publish).toThrow(
      expect.objectContaining({
        code: 'RESOURCE_EXHAUSTED',
        reason: 'message_too_large',
        details: { bytes: 1014, maxBytes: 1000 },
      }),
    )
    expect(await confirmed(link)).toBeUndefined()
  })

  it('refuses headers that would not arrive as they are', async context => {
    const server = await start(context)
    const link = await use(context, { servers: [server.address] }).link()
    const bad = [
      ['a b', 'x'],
      ['a:', 'x'],
      ['', 'x'],
      ['a', 'x\r\ny'],
      ['a', ' x'],
    ] as const

    for (const header of bad) {
      const publish = (): void => link.publish('a', text('x'), { headers: [header] })
      expect(publish).toThrow(expect.objectContaining({ reason: 'invalid_header' }))
    }
  })

  it('outlives subscribers that throw', async context => {
    const server = await start(context)
    const link = await use(context, { servers: [server.address] }).link()
    const thrown: unknown[] = []
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', error => thrown.push(error))
    link.subscribe('a', () => {
      throw new RangeError('of a subscriber')
    })

    link.publish('a', text('1'))
    const first = await confirmed(link)
    await eventually(() => thrown.length > 0, 5000, 'the report')
    process.removeAllListeners('uncaughtException')
    for (const listener of listeners) process.on('uncaughtException', listener)

    expect([first, await confirmed(link)]).toEqual([undefined, undefined])
    expect(thrown).toEqual([new RangeError('of a subscriber')])
  })

  it('tells what the server does not permit', async context => {
    const users = [{ user: 'u', password: 'p', permissions: { publish: ['ok'], subscribe: ['ok'] } }]
    const server = await start(context, { authorization: { users } })
    const link = await use(context, { servers: [server.address], auth: { user: 'u', password: 'p' } }).link()
    const refused: RpcError[] = []
    link.subscribe('secret', () => {}, { onRefused: error => refused.push(error) })

    link.publish('ok', text('x'))
    link.publish('secret', text('x'))
    const outcomes = await Promise.all([confirmed(link, 'ok'), confirmed(link, 'secret')])

    expect(outcomes).toMatchObject([undefined, { code: 'PERMISSION_DENIED', reason: 'nats_permission_denied' }])
    expect(refused).toMatchObject([{ code: 'PERMISSION_DENIED', reason: 'nats_permission_denied' }])
  })

  it('ends nothing when the server drops who knows the password', async context => {
    const server = await start(context, { authorization: { token: 't' } })
    const { link, links, statuses } = use(context, { servers: [server.address], auth: { token: 't' } })
    await link()

    await server.kill()
    await eventually(() => links.at(-1) === undefined, 5000, 'the loss')
    await server.restart()

    expect(await confirmed(await link())).toBeUndefined()
    expect(statuses.at(-1)).toMatchObject({ state: 'connected' })
  })
})

describe.concurrent('auth of natsConnection', () => {
  const pair = nkeys.createUser()
  const nkeySeed = new TextDecoder().decode(pair.getSeed())

  it.each([
    [
      'user and password',
      { user: 'u', password: 'p' },
      { user: 'u', password: 'p' },
      { user: 'u', password: 'SECRET' },
    ],
    ['token', { token: 't' }, { token: 't' }, { token: 'SECRET' }],
    [
      'nkey',
      { users: [{ nkey: pair.getPublicKey() }] },
      { nkeySeed },
      { nkeySeed: new TextDecoder().decode(nkeys.createUser().getSeed()) },
    ],
  ] as const)('knows us by %s', async (_, authorization, right, wrong) => {
    const server = await startNats({ jetStream: false, authorization })
    const open = async (auth?: NatsOptions['auth']): Promise<unknown> => {
      const given = { servers: [server.address], log: silentLog, idleMs: 0, ...(auth && { auth }) }
      return firstValueFrom(natsConnection(given).link$.pipe(filter(link => link !== undefined))).catch(
        (error: unknown) => error,
      )
    }

    const [good, bad, none] = [await open(right), await open(wrong), await open()]
    await server.stop()

    expect(good).toHaveProperty('server', server.address)
    for (const error of [bad, none]) {
      expect(error).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'nats_unauthenticated' })
      expect(String(error)).not.toContain(Object.values(wrong).at(-1))
    }
  })

  it('refuses keys that are none, without quoting them', () => {
    for (const auth of [{ nkeySeed: 'SUSECRET' }, { credentials: 'SECRET' }, { token: '' }, { user: 'SECRET' }]) {
      const make = (): unknown => natsConnection({ auth: auth as NatsOptions['auth'] & object })
      expect(make).toThrow(expect.objectContaining({ reason: 'invalid_options' }))
      expect(make).not.toThrow('SECRET')
    }
  })
})

describe.concurrent('tls of natsConnection', () => {
  const ca = certificate('authority')

  it('talks over TLS to a server it trusts', async context => {
    const server = await start(context, { certificate: 'server', asksCertificate: true })

    const link = await use(context, { servers: [server.address], tls: { ca, identity: identity('client') } }).link()

    expect(await confirmed(link)).toBeUndefined()
  })

  it.each([
    ['another authority', 'server', { ca: certificate('other-authority') }, 'unknown_issuer'],
    ['no authority', 'server', undefined, 'unknown_issuer'],
    ['another name', 'elsewhere', { ca }, 'wrong_host'],
    ['an expired certificate', 'expired', { ca }, 'certificate_expired'],
  ] as const)('names the problem: %s', async (_, shown, tls, problem) => {
    const server = await startNats({ jetStream: false, certificate: shown })

    const error: unknown = await firstValueFrom(
      natsConnection({ servers: [server.address], log: silentLog, ...(tls && { tls }) }).link$.pipe(
        filter(link => link !== undefined),
      ),
    ).catch((thrown: unknown) => thrown)
    await server.stop()

    expect(error).toMatchObject({ code: 'UNAVAILABLE', reason: 'tls_failed', details: { problem } })
  })

  it('says that a client certificate is missing', async context => {
    const server = await start(context, { certificate: 'server', asksCertificate: true })

    const error = await failure(context, { servers: [server.address], tls: { ca } })

    expect(error).toMatchObject({ reason: 'tls_failed', details: { problem: 'client_certificate_missing' } })
  })

  it('says that a client certificate is refused', async context => {
    const server = await start(context, { certificate: 'server', asksCertificate: true })

    const error = await failure(context, {
      servers: [server.address],
      tls: { ca, identity: identity('stranger') },
    })

    expect(error).toMatchObject({ reason: 'tls_failed', details: { problem: 'client_certificate_refused' } })
  })

  it('says that the server does not speak TLS', async context => {
    const server = await start(context)

    const error = await failure(context, { servers: [server.address], tls: { ca } })

    expect(error).toMatchObject({ reason: 'tls_failed', details: { problem: 'not_tls' } })
  })
})
