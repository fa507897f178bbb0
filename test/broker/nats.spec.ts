import type { Broker, DeadLetter, Event } from 'millrace/broker'
import { natsBroker, natsConnection, type NatsBrokerOptions } from 'millrace/broker/nats'
import { header, messageOf, RpcError, silentLog } from 'millrace/core'
import { hold, type Release } from 'millrace/streams'
import type { NatsConnection, NatsOptions } from 'millrace/transport/nats'
import { connect, type Msg } from 'nats'
import { filter, firstValueFrom, lastValueFrom, type Subscription, take, toArray, type Observable } from 'rxjs'
import { describe, expect, it, type TestContext } from 'vitest'
import { becomes, eventually, within } from '../support/deadline.js'
import { freePorts } from '../support/free-ports.js'
import { startNats, type NatsOptions as ServerOptions, type NatsServer } from '../support/nats-server.js'

async function start({ onTestFinished }: TestContext, options?: ServerOptions): Promise<NatsServer> {
  const server = await startNats({ jetStream: false, ...options })
  onTestFinished(() => server.stop())
  return server
}

interface Bench {
  readonly connection: NatsConnection
  readonly broker: Broker
  readonly letters: readonly DeadLetter[]
  /** Resolves when the server has everything that was sent until now, subscriptions among it. */
  ready(): Promise<void>
  publish(topic: string, ...bodies: readonly unknown[]): Promise<void>
  listen(topic: string, options?: Parameters<Broker['subscribe']>[1], through?: Through): Promise<Listener>
}

interface Listener {
  readonly events: readonly Event[]
  readonly bodies: readonly unknown[]
  readonly error: () => RpcError | undefined
  readonly subscription: Subscription
}

type Through = (event$: Observable<Event>) => Observable<Event>

function bench(
  { onTestFinished }: TestContext,
  { address }: Pick<NatsServer, 'address'>,
  options?: NatsBrokerOptions,
  dial?: NatsOptions,
): Bench {
  const connection = natsConnection({ servers: [address], log: silentLog, idleMs: 1000, ...dial })
  const broker = natsBroker(connection, { log: silentLog, ...options })
  const letters: DeadLetter[] = []
  const all = broker.deadLetters.added$.subscribe(letter => letters.push(letter))
  onTestFinished(() => all.unsubscribe())
  const ready = async (): Promise<void> => {
    const link = await firstValueFrom(connection.link$.pipe(filter(each => each !== undefined)))
    await within(new Promise(resolve => link.confirm(resolve)), 5000, 'a confirmation')
  }
  return {
    connection,
    broker,
    letters,
    ready,
    async publish(topic, ...bodies) {
      await Promise.all(bodies.map(body => lastValueFrom(broker.publish(topic, messageOf(body)))))
    },
    async listen(topic, subscribeOptions, through = event$ => event$) {
      const events: Event[] = []
      const bodies: unknown[] = []
      let error: RpcError | undefined
      const subscription = through(broker.subscribe(topic, subscribeOptions)).subscribe({
        next: event => {
          events.push(event)
          bodies.push(event.message.body)
        },
        error: thrown => (error = RpcError.from(thrown)),
      })
      all.add(subscription)
      if (error === undefined) await ready()
      return { events, bodies, error: () => error, subscription }
    },
  }
}

/** What a publish, or a subscription, fails with. */
async function failureOf(observable: Observable<unknown>): Promise<unknown> {
  return within(
    lastValueFrom(observable).catch((error: unknown) => error),
    10_000,
    'the failure',
  )
}

/** What a client of NATS that does not know us gets. */
async function foreigner({ onTestFinished }: TestContext, server: NatsServer): ReturnType<typeof connect> {
  const client = await connect({ servers: server.address })
  onTestFinished(() => client.close())
  return client
}

describe.concurrent('publish of natsBroker', () => {
  it('waits for a connection, and keeps the order', async context => {
    const server = await start(context)
    const { broker, listen } = bench(context, server)
    const listener = await listen('a')
    await server.kill()
    await eventually(() => listener.subscription.closed || lastState(broker) === 'connecting', 5000, 'the loss')

    const receipts = Promise.all([1, 2, 3].map(body => lastValueFrom(broker.publish('a', messageOf(body)))))
    await server.restart()

    expect(await within(receipts, 5000, 'receipts')).toHaveLength(3)
    await eventually(() => listener.bodies.length === 3, 5000, 'the messages')
    expect(listener.bodies).toEqual([1, 2, 3])
  })

  it('does not send what was called off while it waited', async context => {
    const server = await start(context)
    const { broker, listen, publish } = bench(context, server)
    const listener = await listen('a')
    await server.kill()
    await eventually(() => lastState(broker) === 'connecting', 5000, 'the loss')

    const calledOff = broker.publish('a', messageOf('called off')).subscribe()
    const last = publish('a', 'last')
    calledOff.unsubscribe()
    await server.restart()
    await last

    await eventually(() => listener.bodies.includes('last'), 5000, 'the last')
    expect(listener.bodies).toEqual(['last'])
  })

  it('fails at once with no room to wait', async context => {
    const [port] = await freePorts(1)
    const { broker } = bench(context, { address: `127.0.0.1:${port}` }, { maxWaitingPublishes: 0 })

    const error = await failureOf(broker.publish('a', messageOf(1)))

    expect(error).toMatchObject({ code: 'UNAVAILABLE', reason: 'not_connected', retry: { safe: true } })
  })

  it('fails when too many wait', async context => {
    const [port] = await freePorts(1)
    const options = { maxWaitingPublishes: 2, publishTimeoutMs: 100 }
    const { broker, connection } = bench(context, { address: `127.0.0.1:${port}` }, options)
    const lifeline = connection.link$.subscribe()
    context.onTestFinished(() => lifeline.unsubscribe())
    await within(firstValueFrom(connection.status$.pipe(filter(status => 'error' in status))), 5000, 'a first failure')

    const errors = await Promise.all([1, 2, 3].map(body => failureOf(broker.publish('a', messageOf(body)))))

    expect(errors.map(error => (error as RpcError).reason)).toEqual(['not_connected', 'not_connected', 'queue_full'])
    expect(errors[0]).toMatchObject({ retry: { safe: true }, cause: { reason: 'connect_failed' } })
  })

  it('fails unsafely when the connection is lost before PONG', async context => {
    const server = await start(context)
    const { broker, ready } = bench(context, server)
    await ready()

    server.pause()
    const failure = failureOf(broker.publish('a', messageOf(1)))
    await server.kill()

    expect(await failure).toMatchObject({ code: 'UNAVAILABLE', reason: 'connection_lost', retry: { safe: false } })
  })

  it('fails unsafely when the server is silent', async context => {
    const server = await start(context)
    const { broker, ready } = bench(context, server, { publishTimeoutMs: 100 })
    await ready()

    server.pause()
    const error = await failureOf(broker.publish('a', messageOf(1)))
    server.resume()

    expect(error).toMatchObject({ code: 'DEADLINE_EXCEEDED', reason: 'not_confirmed', retry: { safe: false } })
  })

  it('refuses what is too large with both numbers', async context => {
    const server = await start(context, { maxPayloadBytes: 1000 })
    const { broker, publish } = bench(context, server)

    const error = await failureOf(broker.publish('a', messageOf('x'.repeat(1000))))

    expect(error).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      reason: 'message_too_large',
      details: { maxBytes: 1000 },
    })
    expect((error as RpcError).details).toHaveProperty(
      'bytes',
      expect.toSatisfy(bytes => bytes > 1000 && bytes < 1300),
    )
    await publish('a', 'small')
  })

  it('says when the server permits neither side', async context => {
    const users = [{ user: 'u', password: 'p', permissions: { publish: ['ok'], subscribe: ['ok'] } }]
    const server = await start(context, { authorization: { users } })
    const { broker } = bench(context, server, {}, { auth: { user: 'u', password: 'p' } })

    const errors = await Promise.all([
      failureOf(broker.publish('secret', messageOf(1))),
      failureOf(broker.subscribe('secret')),
      failureOf(broker.publish('ok', messageOf(1))),
    ])

    const denied = { code: 'PERMISSION_DENIED', reason: 'nats_permission_denied' }
    expect(errors).toMatchObject([denied, denied, { topic: 'ok' }])
  })

  it('fails with wrong credentials, and so does subscribing', async context => {
    const server = await start(context, { authorization: { token: 'right' } })
    const { broker } = bench(context, server, {}, { auth: { token: 'wrong' } })

    const errors = await Promise.all([failureOf(broker.publish('a', messageOf(1))), failureOf(broker.subscribe('a'))])

    const unknown = { code: 'UNAUTHENTICATED', reason: 'nats_unauthenticated' }
    expect(errors).toMatchObject([unknown, unknown])
  })

  it('refuses header entries that NATS cannot carry', async context => {
    const server = await start(context)
    const { broker } = bench(context, server)

    const error = await failureOf(broker.publish('a', { header: header({ a: 'two\nlines' }), body: 1 }))

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_header' })
  })

  it('writes what others can read', async context => {
    const server = await start(context)
    const { broker } = bench(context, server)
    const client = await foreigner(context, server)
    const received: Msg[] = []
    client.subscribe('a', { callback: (_, message) => received.push(message) })
    await client.flush()

    const message = { header: header({ 'trace-id': 'ü' }), body: { n: 1 } }
    const receipt = await lastValueFrom(broker.publish('a', message, { id: 'my-id', key: 'my-key' }))
    await client.flush()

    const headers = received[0]?.headers
    expect(receipt).toEqual({ topic: 'a', id: 'my-id' })
    expect(received.map(({ data }) => [...data])).toEqual([[0x81, 0xa1, 0x6e, 0x01]])
    expect(['Nats-Msg-Id', 'Millrace-Key', 'Content-Type', 'trace-id'].map(name => headers?.get(name))).toEqual([
      'my-id',
      'my-key',
      'application/msgpack',
      'ü',
    ])
    expect(headers?.get('Millrace-Time')).toMatch(/^\d{13}$/)
  })
})

describe.concurrent('subscribe of natsBroker', () => {
  it('gives header, key and id', async context => {
    const server = await start(context)
    const { broker, listen } = bench(context, server)
    const { events } = await listen('a.>')

    await lastValueFrom(
      broker.publish('a.b', { header: header({ lang: 'de' }), body: undefined }, { id: 'i', key: 'k' }),
    )

    await eventually(() => events.length > 0, 5000, 'the event')
    expect(events[0]).toMatchObject({ id: 'i', key: 'k', topic: 'a.b', attempt: 1, message: { body: undefined } })
    expect({ ...events[0]?.message.header }).toEqual({ lang: 'de' })
  })

  it('reads messages of publishers that do not know us', async context => {
    const server = await start(context)
    const { listen } = bench(context, server)
    const { events } = await listen('a')
    const client = await foreigner(context, server)
    const before = Math.trunc(performance.timeOrigin + performance.now())

    client.publish('a', new Uint8Array([0x07]))

    await eventually(() => events.length > 0, 5000, 'the event')
    expect(events[0]).toMatchObject({ message: { body: 7 }, id: expect.stringMatching(/^[0-9a-f]{32}$/) })
    expect(events[0]?.publishedAt).toBeGreaterThanOrEqual(before)
  })

  it('is there again when the server is', async context => {
    const server = await start(context)
    const { broker, listen, publish, ready } = bench(context, server)
    const listener = await listen('a', { queue: 'q' })
    await publish('a', 1)

    await server.kill()
    await eventually(() => lastState(broker) === 'connecting', 5000, 'the loss')
    await server.restart()
    await ready()
    await publish('a', 2)

    await eventually(() => listener.bodies.length >= 2, 5000, 'the second')
    expect(listener.bodies).toEqual([1, 2])
  })

  it('shares messages in queues of any name', async context => {
    const server = await start(context)
    const { listen, publish } = bench(context, server)
    const queue = 'größte Gruppe\r\nPUB x'
    const members = [await listen('a', { queue }), await listen('a', { queue })]

    await publish('a', ...Array.from({ length: 50 }, (_, index) => index))

    const all = (): readonly unknown[] => members.flatMap(({ bodies }) => bodies)
    await eventually(() => all().length >= 50, 5000, 'the messages')
    expect(new Set(all()).size).toBe(50)
    expect(members.every(({ bodies }) => bodies.length > 5)).toBe(true)
  })

  it('refuses names of queues that are too long', async context => {
    const server = await start(context)
    const { broker } = bench(context, server)

    const error = await failureOf(broker.subscribe('a', { queue: 'ü'.repeat(300) }))

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_options' })
  })

  it.each([
    [{ from: 'all' }, 'no_replay'],
    [{ from: { sequence: 1 } }, 'no_replay'],
    [{ ordered: true }, 'no_order'],
  ] as const)('refuses %j', async (options, reason) => {
    const broker = natsBroker(natsConnection({ log: silentLog }))

    const error = await failureOf(broker.subscribe('a', options))

    expect(error).toMatchObject({ code: 'FAILED_PRECONDITION', reason })
  })

  it('reads on while a subscriber is slow', async context => {
    const server = await start(context)
    const { listen, publish } = bench(context, server)
    const releases: (Release | undefined)[] = []
    const holding: Through = event$ =>
      event$.pipe(
        filter(() => {
          releases.push(hold())
          return true
        }),
      )
    const { bodies } = await listen('a', { window: 4 }, holding)

    await publish('a', ...Array.from({ length: 2000 }, (_, index) => index))
    const first = bodies.length
    while (releases.length > 0) for (const release of releases.splice(0)) release?.()
    await eventually(
      () => {
        for (const release of releases.splice(0)) release?.()
        return bodies.length === 2000
      },
      5000,
      'the rest',
    )

    expect(first).toBe(4)
    expect(bodies).toEqual(Array.from({ length: 2000 }, (_, index) => index))
    expect(await server.monitor('/varz')).toMatchObject({ slow_consumers: 0 })
  })

  it.each([
    ['dropOldest', [0, 3, 4]],
    ['dropNewest', [0, 1, 2]],
    ['latest', [0, 4]],
  ] as const)('loses what overflow says: %s', async (overflow, kept) => {
    const server = await startNats({ jetStream: false })
    const connection = natsConnection({ servers: [server.address], log: silentLog })
    const broker = natsBroker(connection, { maxPending: 2 })
    const releases: (Release | undefined)[] = []
    const bodies: unknown[] = []
    const all = broker.subscribe('a', { window: 1, overflow }).subscribe(({ message }) => {
      bodies.push(message.body)
      releases.push(hold())
    })
    await firstValueFrom(connection.link$.pipe(filter(link => link !== undefined)))
    for (const body of [0, 1, 2, 3, 4]) await lastValueFrom(broker.publish('a', messageOf(body)))

    await eventually(
      () => {
        for (const release of releases.splice(0)) release?.()
        return bodies.length === kept.length
      },
      5000,
      'the messages',
    )
    all.unsubscribe()
    await server.stop()

    expect(bodies).toEqual(kept)
  })

  it('fails with overflow, by messages and by bytes', async context => {
    const server = await start(context)
    const { listen, publish } = bench(context, server, { maxPending: 2 })
    const few = await listen('few', { window: 1 }, holdAll)
    const small = bench(context, server, { maxPendingBytes: 100 })
    const light = await small.listen('light', { window: 1 }, holdAll)

    await publish('few', 0, 1, 2, 3)
    await publish('light', 0, 'x'.repeat(80), 'x'.repeat(80))

    for (const { error } of [few, light]) {
      await eventually(() => error() !== undefined, 5000, 'the overflow')
      expect(error()).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'overflow' })
    }
  })
})

describe.concurrent('deadLetters of natsBroker', () => {
  it('has what cannot be read, and goes on', async context => {
    const server = await start(context)
    const { listen, letters } = bench(context, server)
    const { bodies } = await listen('a', { queue: 'q' })
    const client = await foreigner(context, server)

    client.publish('a', new Uint8Array([0xc1, 0x01]))
    client.publish('a', new Uint8Array([0x07]))

    await eventually(() => bodies.length > 0, 5000, 'the second')
    expect(bodies).toEqual([7])
    expect(letters).toMatchObject([
      {
        topic: 'a',
        queue: 'q',
        attempts: 1,
        error: { reason: 'not_decodable' },
        message: { body: new Uint8Array([0xc1, 0x01]) },
      },
    ])
  })

  it('has what failed, and delivers it again', async context => {
    const server = await start(context)
    const { broker, listen, letters, publish } = bench(context, server)
    let fails = true
    const { events } = await listen('a', { queue: 'q' }, event$ =>
      event$.pipe(
        filter(() => {
          if (fails) hold()?.(new RangeError('of a handler'))
          return true
        }),
      ),
    )
    await publish('a', { n: 1 })
    await eventually(() => letters.length > 0, 5000, 'the letter')

    fails = false
    const replayed = await lastValueFrom(broker.deadLetters.replay({ topic: 'a' }).pipe(toArray()))

    expect(letters).toMatchObject([{ error: { message: '[UNKNOWN] of a handler' }, message: { body: { n: 1 } } }])
    expect(replayed).toEqual(letters)
    expect(events).toHaveLength(2)
    expect(events[1]).toMatchObject({ attempt: 1, id: events[0]?.id })
    expect(await lastValueFrom(broker.deadLetters.list().pipe(toArray()))).toEqual([])
  })

  it('has what was not settled by hand', async context => {
    const server = await start(context)
    const { listen, letters, publish } = bench(context, server)
    const { events, subscription } = await listen('a', { queue: 'q', ack: 'manual', window: 3 })
    await publish('a', 'acked', 'nacked', 'rejected', 'waiting')
    await eventually(() => events.length === 3, 5000, 'three')

    events[0]?.ack()
    events[1]?.nak()
    events[2]?.reject(new RangeError('bad'))
    await eventually(() => events.length === 4, 5000, 'the fourth')
    await publish('a', 'late')
    await eventually(() => events.length === 5, 5000, 'the last')
    events[3]?.ack()
    subscription.unsubscribe()

    expect(letters.map(({ message, error }) => [message.body, error.reason])).toEqual([
      ['nacked', 'no_redelivery'],
      ['rejected', 'unknown'],
      ['late', 'unfinished'],
    ])
  })

  it('has what waited for a member that left', async context => {
    const server = await start(context)
    const { listen, letters, publish } = bench(context, server)
    const { bodies, subscription } = await listen('a', { queue: 'q', window: 1 }, holdAll)
    await publish('a', 1, 2, 3)
    await eventually(() => bodies.length === 1, 5000, 'the first')

    subscription.unsubscribe()

    await eventually(() => letters.length >= 2, 5000, 'the letters')
    expect(letters.map(({ error }) => error.reason)).toEqual(letters.map(() => 'unfinished'))
  })

  it('has what was under way to a leaving member', async context => {
    const server = await start(context)
    const { listen, letters, ready } = bench(context, server)
    const { bodies } = await listen('a', { queue: 'q' }, take(1))
    const client = await foreigner(context, server)

    for (let index = 0; index < 100; index++) client.publish('a', new Uint8Array([index]))
    await client.flush()
    await ready()

    expect(bodies).toEqual([0])
    await eventually(() => letters.length >= 100, 5000, 'the letters')
    expect(letters).toHaveLength(100) // the first one too: its subscription ended inside its next
  })

  it('has nothing of a single subscriber who has left', async context => {
    const server = await start(context)
    const { listen, letters, publish } = bench(context, server)
    const { bodies, subscription } = await listen('a', { window: 1 }, holdAll)
    await publish('a', 1, 2, 3)
    await eventually(() => bodies.length === 1, 5000, 'the first')

    subscription.unsubscribe()
    await publish('a', 4)

    expect(letters).toEqual([])
  })

  it('has nothing without acknowledgement', async context => {
    const server = await start(context)
    const { listen, letters, publish } = bench(context, server)
    const { bodies } = await listen('a', { ack: 'none' }, event$ => event$.pipe(filter(() => (hold()?.('bad'), true))))

    await publish('a', 1, 2)

    await eventually(() => bodies.length === 2, 5000, 'both')
    expect(letters).toEqual([])
  })
})

describe.concurrent('natsBroker', () => {
  it('leaves no connection behind', async context => {
    const server = await start(context)
    const { listen, publish } = bench(context, server, {}, { idleMs: 0 })
    const { bodies, subscription } = await listen('a')
    await publish('a', 1)
    await eventually(() => bodies.length > 0, 5000, 'the message')

    subscription.unsubscribe()

    const none = async (): Promise<boolean> => (await server.monitor('/connz'))['num_connections'] === 0
    await becomes(none, 5000, 'the end of the connection')
  })

  it('tells how the connection is', async context => {
    const server = await start(context)
    const { broker, ready } = bench(context, server)
    const subscription = broker.subscribe('a').subscribe()

    await ready()

    expect(await firstValueFrom(broker.status$)).toEqual({ state: 'connected', server: server.address })
    subscription.unsubscribe()
  })

  it('refuses wrong options and names each', () => {
    const wrong = { codec: 1, envelope: 'x', maxWaitingPublishes: -1, publishTimeoutMs: 0, maxPending: 0 }

    const make = (): unknown => natsBroker(natsConnection(), wrong as unknown as NatsBrokerOptions)

    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', reason: 'invalid_options' }))
    for (const name of Object.keys(wrong)) expect(make).toThrow(name)
  })
})

function holdAll(event$: Observable<Event>): Observable<Event> {
  return event$.pipe(filter(() => hold() !== undefined))
}

function lastState(broker: Broker): string {
  let state = ''
  broker.status$.subscribe(status => (state = status.state)).unsubscribe()
  return state
}
