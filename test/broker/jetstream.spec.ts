import type { Broker, DeadLetter, Event, SubscribeOptions } from 'millrace/broker'
import { jetstreamBroker, natsConnection, type JetStreamBrokerOptions } from 'millrace/broker/nats'
import { messageOf, RpcError, silentLog, systemRuntime } from 'millrace/core'
import { hold, pacedMap } from 'millrace/streams'
import type { NatsOptions } from 'millrace/transport/nats'
import { connect, type JetStreamManager, type NatsConnection as Client } from 'nats'
import {
  concatMap,
  from,
  lastValueFrom,
  mergeMap,
  type Observable,
  of,
  range,
  Subscription,
  throwError,
  toArray,
} from 'rxjs'
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest'
import { certificate } from '../support/certificates.js'
import { becomes, eventually, within } from '../support/deadline.js'
import { freePorts } from '../support/free-ports.js'
import { startNats, type NatsOptions as ServerOptions, type NatsServer } from '../support/nats-server.js'

const PATIENCE_MS = 8000

/** The server of all specs that neither end it nor need a special one. */
let shared: NatsServer
let client: Client
let manager: JetStreamManager

beforeAll(async () => {
  shared = await startNats()
  client = await connect({ servers: shared.address })
  manager = await client.jetstreamManager()
})

afterAll(async () => {
  await client?.close()
  await shared?.stop()
})

interface Bench {
  readonly broker: Broker
  /** Name of the stream, and first word of its topics. */
  readonly stream: string
  readonly letters: readonly DeadLetter[]
  publish(topic: string, ...bodies: readonly unknown[]): Promise<void>
  listen(topic: string, options?: SubscribeOptions, through?: Through): Listener
}

interface Listener {
  readonly events: readonly Event[]
  readonly bodies: readonly unknown[]
  readonly error: () => RpcError | undefined
  readonly subscription: Subscription
  /** Resolves when there are as many events. */
  has(count: number): Promise<void>
}

type Through = (event$: Observable<Event>) => Observable<Event>

interface BenchOptions extends Partial<JetStreamBrokerOptions> {
  readonly server?: Pick<NatsServer, 'address'>
  readonly dial?: NatsOptions
}

/** A broker over a stream that nobody else uses, unless `stream` says which. */
function bench({ onTestFinished }: TestContext, { server = shared, dial, ...options }: BenchOptions = {}): Bench {
  const connection = natsConnection({ servers: [server.address], log: silentLog, ...dial })
  const stream = options.stream ?? `s${systemRuntime().id()}`
  const broker = jetstreamBroker(connection, {
    stream,
    subjects: [`${stream}.>`],
    storage: 'memory',
    backoffMs: [1],
    log: silentLog,
    ...options,
  })
  const all = new Subscription()
  const letters: DeadLetter[] = []
  onTestFinished(() => all.unsubscribe())
  return {
    broker,
    stream,
    letters,
    async publish(topic, ...bodies) {
      const receipts$ = from(bodies).pipe(concatMap(body => broker.publish(topic, messageOf(body))))
      await within(lastValueFrom(receipts$), PATIENCE_MS, 'the receipts')
    },
    listen(topic, subscribeOptions, through = event$ => event$) {
      const events: Event[] = []
      const bodies: unknown[] = []
      let error: RpcError | undefined
      const seen$ = broker.subscribe(topic, subscribeOptions).pipe(
        mergeMap(event => {
          events.push(event)
          bodies.push(event.message.body)
          return of(event)
        }),
      )
      const subscription = through(seen$).subscribe({ error: thrown => (error = RpcError.from(thrown)) })
      all.add(subscription)
      const has = (count: number): Promise<void> =>
        eventually(() => events.length >= count || error !== undefined, PATIENCE_MS, `${count} events`)
      return { events, bodies, error: () => error, subscription, has }
    },
  }
}

/** What a publish, or a subscription, fails with. */
async function failureOf(observable: Observable<unknown>): Promise<unknown> {
  const failed = lastValueFrom(observable.pipe(toArray())).catch((error: unknown) => error)
  return within(failed, PATIENCE_MS, 'the failure')
}

async function start({ onTestFinished }: TestContext, options?: ServerOptions): Promise<NatsServer> {
  const server = await startNats(options)
  onTestFinished(() => server.stop())
  return server
}

/** A handler that fails for what is `poison`. */
const poisonFails: Through = pacedMap(event =>
  event.message.body === 'poison' ? throwError(() => new Error('cannot stomach it')) : of(event),
)

describe.concurrent('publish of jetstreamBroker', () => {
  it('refuses wildcards and what is no topic', async context => {
    const { broker, stream } = bench(context)

    for (const topic of [`${stream}.*`, `${stream}.>`, `${stream}..a`, `${stream}.a b`, '', '$JS.API.INFO']) {
      const error = await failureOf(broker.publish(topic, messageOf(1)))

      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_topic' })
    }
  })

  it('refuses topics that the stream does not keep', async context => {
    const { broker, stream } = bench(context)

    const error = await failureOf(broker.publish(`x${stream}.a`, messageOf(1)))

    expect(error).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'no_log_for_topic' })
  })

  it('says that another stream took the message', async context => {
    const { broker, stream, publish } = bench(context)
    await publish(`${stream}.a`, 1)
    await manager.streams.delete(stream)
    await manager.streams.add({ name: `${stream}-other`, subjects: [`${stream}.>`] })

    const error = await failureOf(broker.publish(`${stream}.a`, messageOf(2)))

    expect(error).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'no_log_for_topic' })
    expect(String(error)).toContain(`${stream}-other`)
  })

  it('refuses what is too large with both numbers', async context => {
    const server = await start(context, { maxPayloadBytes: 4096 })
    const { broker, stream } = bench(context, { server })

    const error = await failureOf(broker.publish(`${stream}.a`, messageOf(new Uint8Array(5000))))

    expect(error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'message_too_large' })
    expect(String(error)).toMatch(/5\d\d\d.*4096|4096.*5\d\d\d/)
  })

  it('says that the stream is full, and loses nothing', async context => {
    const { broker, stream, publish, listen } = bench(context, { maxMessages: 2 })
    await publish(`${stream}.a`, 1, 2)

    const error = await failureOf(broker.publish(`${stream}.a`, messageOf(3)))

    expect(error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'log_full' })
    const listener = listen(`${stream}.a`, { from: 'all' })
    await listener.has(2)
    expect(listener.bodies).toEqual([1, 2])
  })

  it('says that the store of the server is full', async context => {
    const server = await start(context, { jetStream: { memoryBytes: 8192, storeBytes: 8192 } })
    const { broker, stream } = bench(context, { server })
    const sent$ = from(Array.from({ length: 20 })).pipe(
      concatMap(() => broker.publish(`${stream}.a`, messageOf(new Uint8Array(1024)))),
    )

    const error = await failureOf(sent$)

    expect(error).toMatchObject({ code: 'RESOURCE_EXHAUSTED', reason: 'log_full' })
  })

  it('takes an id once, also from another publisher', async context => {
    const { broker, stream } = bench(context)
    const again = bench(context, { stream })
    const first = await lastValueFrom(broker.publish(`${stream}.a`, messageOf(1), { id: 'order-1' }))

    const second = await lastValueFrom(again.broker.publish(`${stream}.a`, messageOf(1), { id: 'order-1' }))

    expect(second).toEqual({ ...first, duplicate: true })
  })
})

describe.concurrent('jetstreamBroker', () => {
  it('says that the server has no JetStream', async context => {
    const server = await start(context, { jetStream: false })
    const { broker, stream } = bench(context, { server })

    const errors = [
      await failureOf(broker.publish(`${stream}.a`, messageOf(1))),
      await failureOf(broker.subscribe(`${stream}.a`, { queue: 'q' })),
      await failureOf(broker.deadLetters.list()),
    ]

    for (const error of errors) {
      expect(error).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'no_jetstream' })
      expect(String(error)).toContain(server.address)
    }
  })

  it('says that the server does not let it in', async context => {
    const server = await start(context, { authorization: { user: 'mill', password: 'grain' } })
    const { broker, stream } = bench(context, { server, dial: { auth: { user: 'mill', password: 'chaff' } } })

    const errors = [
      await failureOf(broker.publish(`${stream}.a`, messageOf(1))),
      await failureOf(broker.subscribe(`${stream}.a`)),
    ]

    for (const error of errors) expect(error).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'nats_unauthenticated' })
    expect(String(errors)).not.toMatch(/chaff|grain/)
  })

  it('says what the server does not permit', async context => {
    const server = await start(context, {
      authorization: {
        users: [
          {
            user: 'mill',
            password: 'grain',
            permissions: { publish: { deny: ['*.secret', '$JS.API.CONSUMER.MSG.NEXT.>'] } },
          },
        ],
      },
    })
    const dial = { auth: { user: 'mill', password: 'grain' } }
    const { broker, stream } = bench(context, { server, dial, requestTimeoutMs: 500 })

    const errors = [
      await failureOf(broker.publish(`${stream}.secret`, messageOf(1))),
      await failureOf(broker.subscribe(`${stream}.a`, { queue: 'q' })),
    ]

    for (const error of errors)
      expect(error).toMatchObject({ code: 'PERMISSION_DENIED', reason: 'nats_permission_denied' })
  })

  it('publishes and subscribes with a password, over TLS', async context => {
    const server = await start(context, {
      certificate: 'server',
      authorization: { user: 'mill', password: 'grain' },
    })
    const dial = { auth: { user: 'mill', password: 'grain' }, tls: { ca: certificate('authority') } }
    const { stream, publish, listen } = bench(context, { server, dial })
    await publish(`${stream}.a`, 1)

    const listener = listen(`${stream}.a`, { queue: 'q', from: 'all' })

    await listener.has(1)
    expect(listener.bodies).toEqual([1])
  })

  it('names every other setting of a stream and changes none', async context => {
    const { stream, publish } = bench(context, { maxMessages: 10 })
    await publish(`${stream}.a`, 1)
    const other = bench(context, { stream, maxMessages: 20, maxAgeMs: 1000, discard: 'old', storage: 'file' })

    const error = await failureOf(other.broker.publish(`${stream}.a`, messageOf(1)))

    expect(error).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'settings_differ' })
    for (const difference of ['max_msgs is 10', 'max_age is 0', 'discard is "new"', 'storage is "memory"']) {
      expect(String(error)).toContain(difference)
    }
    const { config } = await manager.streams.info(stream)
    expect(config).toMatchObject({ max_msgs: 10, max_age: 0, discard: 'new', storage: 'memory' })
  })

  it('names every other setting of a consumer and changes none', async context => {
    const { stream, listen } = bench(context, { ackWaitMs: 5000 })
    listen(`${stream}.a`, { queue: 'billing' })
    const consumer = await consumerOf(stream)
    const other = bench(context, { stream, ackWaitMs: 7000 })

    const error = await failureOf(other.broker.subscribe(`${stream}.a`, { queue: 'billing' }))

    expect(error).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'settings_differ' })
    expect(String(error)).toContain('ack_wait is 5000000000, wanted is 7000000000')
    expect((await manager.consumers.info(stream, consumer)).config.ack_wait).toBe(5_000_000_000)
  })

  it('makes no stream when it is not to', async context => {
    const { broker, stream } = bench(context, { create: false })

    const error = await failureOf(broker.publish(`${stream}.a`, messageOf(1)))

    expect(error).toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'no_log_for_topic' })
    await expect(manager.streams.info(stream)).rejects.toThrow('stream not found')
  })

  it('refuses wrong options and names each', () => {
    const wrong = { stream: 'a.b', subjects: [], storage: 'tape', replicas: 9, maxAgeMs: -1, dedupWindowMs: 1 }

    const make = (): unknown => jetstreamBroker(natsConnection(), wrong as unknown as JetStreamBrokerOptions)

    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', reason: 'invalid_options' }))
    for (const name of Object.keys(wrong)) expect(make).toThrow(name)
  })

  it('refuses topics that it needs itself', () => {
    const make = (): unknown => jetstreamBroker(natsConnection(), { stream: 'orders', subjects: ['orders.>', '>'] })

    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', reason: 'invalid_options' }))
    expect(make).toThrow('> includes dead-letters.orders.>')
  })

  it('says of dead letters that there is no server', async context => {
    const [port = 0] = await freePorts(1)
    const { broker } = bench(context, { server: { address: `127.0.0.1:${port}` }, requestTimeoutMs: 200 })

    const errors = [await failureOf(broker.deadLetters.list()), await failureOf(broker.deadLetters.drop())]

    for (const error of errors) expect(error).toMatchObject({ code: 'UNAVAILABLE', reason: 'broker_unavailable' })
  })

  it('leaves nothing behind at the server but queue groups', async context => {
    const server = await start(context)
    const { stream, listen, publish } = bench(context, { server, dial: { idleMs: 0 } })
    const listener = listen(`${stream}.a`, { queue: 'q', from: 'all' })
    await publish(`${stream}.a`, 1)
    await listener.has(1)

    listener.subscription.unsubscribe()

    const none = async (): Promise<boolean> => (await server.monitor('/connz'))['num_connections'] === 0
    await becomes(none, PATIENCE_MS, 'the end of the connection')
  })
})

describe.concurrent('subscribe of jetstreamBroker', () => {
  it('goes on where its queue was', async context => {
    const { stream, publish, listen } = bench(context)
    const first = listen(`${stream}.*`, { queue: 'q', from: 'all' })
    await publish(`${stream}.a`, 1, 2)
    await first.has(2)
    first.subscription.unsubscribe()
    await publish(`${stream}.a`, 3, 4)

    const second = listen(`${stream}.*`, { queue: 'q', from: 'all' })

    await second.has(2)
    expect(second.bodies).toEqual([3, 4])
  })

  it('tells queues and topics apart that look alike', async context => {
    const { stream, publish, listen } = bench(context)
    const listeners = [
      listen(`${stream}.a.b`, { queue: 'x.y', from: 'all' }),
      listen(`${stream}.a.b`, { queue: 'x_y', from: 'all' }),
      listen(`${stream}.a.*`, { queue: 'x_y', from: 'all' }),
      listen(`${stream}.a.>`, { queue: 'x_y', from: 'all' }),
      listen(`${stream}.a_b`, { queue: 'x_y', from: 'all' }),
    ]

    await publish(`${stream}.a.b`, 1)
    await publish(`${stream}.a_b`, 2)

    await Promise.all(listeners.map(({ has }) => has(1)))
    expect(listeners.map(({ bodies }) => bodies)).toEqual([[1], [1], [1], [1], [2]])
  })

  it('begins where it is told', async context => {
    const { broker, stream, listen } = bench(context)
    const receipts = []
    for (const body of [1, 2, 3, 4]) {
      receipts.push(await lastValueFrom(broker.publish(`${stream}.a`, messageOf(body))))
    }
    const all = listen(`${stream}.a`, { from: 'all' })
    await all.has(4)
    const [, second, third] = all.events

    const listeners = [
      listen(`${stream}.a`, { from: { sequence: second?.sequence ?? 0 } }),
      listen(`${stream}.a`, { from: { last: 3 }, ack: 'none' }),
      listen(`${stream}.a`, { from: { time: (third?.publishedAt ?? 0) + 1 }, queue: 'q' }),
      listen(`${stream}.a`, { from: { sequence: 100 } }),
    ]
    await Promise.all([3, 3, 1, 4].map((count, index) => listeners[index]?.has(count)))

    expect(listeners.map(({ bodies }) => bodies.at(0))).toEqual([2, 2, expect.toBeOneOf([3, 4]), 1])
  })

  it('begins with the last of a topic among others', async context => {
    const { stream, broker, listen } = bench(context)
    const rare = [10, 150, 180, 199]
    const topicOf = (index: number): string => `${stream}.${rare.includes(index) ? 'rare' : 'frequent'}`
    const sent$ = range(0, 200).pipe(concatMap(index => broker.publish(topicOf(index), messageOf(index))))
    await lastValueFrom(sent$)

    const listeners = [1, 3, 4, 100].map(last => listen(`${stream}.rare`, { from: { last } }))
    const none = listen(`${stream}.none`, { from: { last: 3 }, ack: 'none' })
    await Promise.all([1, 3, 4, 4].map((count, index) => listeners[index]?.has(count)))
    await lastValueFrom(broker.publish(`${stream}.none`, messageOf('first')))
    await none.has(1)

    expect(listeners.map(({ bodies }) => bodies)).toEqual([rare.slice(3), rare.slice(1), rare, rare])
    expect(none.bodies).toEqual(['first'])
  })

  it('delivers beside poison, which is a dead letter', async context => {
    const { broker, stream, publish, listen } = bench(context, { maxDeliver: 3 })
    const bodies = Array.from({ length: 100 }, (_, index) => (index === 20 ? 'poison' : index))
    const listener = listen(`${stream}.a`, { queue: 'q', from: 'all' }, poisonFails)

    await publish(`${stream}.a`, ...bodies)
    await listener.has(102)

    const list = await lettersOf(broker, 1)
    expect(list).toMatchObject([{ topic: `${stream}.a`, queue: 'q', attempts: 3, message: { body: 'poison' } }])
    expect(listener.events.filter(({ attempt }) => attempt === 1).map(({ message }) => message.body)).toEqual(bodies)
  })

  it('makes a dead letter of what it cannot read', async context => {
    const { broker, stream, listen, publish } = bench(context, { maxDeliver: 3 })
    const listener = listen(`${stream}.a`, { queue: 'q', from: 'all' })
    await publish(`${stream}.a`, 'first')

    client.publish(`${stream}.a`, Uint8Array.of(0xc1))
    await publish(`${stream}.a`, 'last')
    await listener.has(2)

    expect(listener.bodies).toEqual(['first', 'last'])
    expect(await lettersOf(broker, 1)).toMatchObject([{ attempts: 1 }])
  })

  it.for([
    { title: 'whose error ends with a line break', error: 'broken\n', bytes: 10 },
    { title: 'that is as long as the server takes', error: 'broken', bytes: 1_048_400 },
  ])('makes a dead letter of a message $title', async ({ error, bytes }, context) => {
    const { broker, stream, publish, listen } = bench(context, { maxDeliver: 1 })
    const poisoned: Through = pacedMap(event => (event.attempt === 1 ? throwError(() => new Error(error)) : of(event)))
    listen(`${stream}.a`, { queue: 'q', from: 'all' }, poisoned)

    await publish(`${stream}.a`, 'x'.repeat(bytes))

    expect(await lettersOf(broker, 1)).toMatchObject([{ topic: `${stream}.a`, error: { rawMessage: 'broken' } }])
  })

  it('does not replay a dead letter without its message', async context => {
    const { broker, stream, publish, listen } = bench(context, { maxDeliver: 1 })
    const listener = listen(
      `${stream}.a`,
      { queue: 'q', from: 'all' },
      pacedMap(() => throwError(() => new Error('broken'))),
    )
    await publish(`${stream}.a`, 'x'.repeat(1_048_400))
    await lettersOf(broker, 1)

    const replayed = await lastValueFrom(broker.deadLetters.replay().pipe(toArray()))

    expect(replayed).toEqual([])
    expect(await lettersOf(broker, 1)).toMatchObject([{ message: { body: undefined }, sequence: 1 }])
    expect(listener.events).toHaveLength(1)
  })

  it('replays and drops dead letters', async context => {
    const { broker, stream, publish, listen } = bench(context, { maxDeliver: 1 })
    let isRepaired = false
    const repairable: Through = pacedMap(event => (isRepaired ? of(event) : throwError(() => new Error('broken'))))
    const listener = listen(`${stream}.a`, { queue: 'q', from: 'all' }, repairable)
    await publish(`${stream}.a`, 1, 2, 3)
    const [, second] = await lettersOf(broker, 3)
    isRepaired = true

    await lastValueFrom(broker.deadLetters.drop({ ids: [second?.id ?? ''] }))
    await lastValueFrom(broker.deadLetters.replay({ topic: `${stream}.>` }))
    await listener.has(5)

    expect(listener.bodies).toEqual([1, 2, 3, 1, 3])
    expect(await lettersOf(broker, 0)).toEqual([])
  })

  it('has first what a member had that died', async context => {
    const { stream, publish, listen } = bench(context)
    const options = { queue: 'q', from: 'all', ordered: true } as const
    const former = listen(`${stream}.a`, options)
    const consumer = await consumerOf(stream)
    former.subscription.unsubscribe()
    await publish(`${stream}.a`, 1, 2, 3, 4, 5)
    const pulled = (await client.jetstream().consumers.get(stream, consumer)).fetch({ max_messages: 3, expires: 1000 })
    for await (const message of await pulled) if (message.seq === 2) message.ack()
    await manager.streams.purge(`${stream}-turns`).catch(() => {}) // who died has said nothing

    const listener = listen(`${stream}.a`, options)
    await listener.has(4)

    expect(listener.bodies).toEqual([1, 3, 4, 5])
    expect(listener.events.map(({ attempt }) => attempt)).toEqual([2, 2, 1, 1])
  })

  it('hands over in order when a member leaves', async context => {
    const { stream, publish, listen } = bench(context)
    const options = { queue: 'q', from: 'all', ordered: true, window: 2 } as const
    const first = listen(`${stream}.a`, options)
    await publish(`${stream}.a`, 1)
    await first.has(1)
    const second = listen(`${stream}.a`, options)
    await publish(`${stream}.a`, 2)
    await first.has(2)

    first.subscription.unsubscribe()
    await publish(`${stream}.a`, 3, 4, 5)
    await second.has(3)

    expect([first.bodies, second.bodies]).toEqual([
      [1, 2],
      [3, 4, 5],
    ])
  })

  it('goes on when its consumer was deleted', async context => {
    const { stream, publish, listen } = bench(context)
    const listener = listen(`${stream}.a`, { queue: 'q' })
    const consumer = await consumerOf(stream)
    await publish(`${stream}.a`, 1, 2)
    await listener.has(2)

    await manager.consumers.delete(stream, consumer)
    await publish(`${stream}.a`, 3, 4)
    await listener.has(4)

    expect(listener.error()).toBeUndefined()
    expect(new Set(listener.bodies)).toEqual(new Set([1, 2, 3, 4]))
  })

  it('goes on when its stream was deleted', async context => {
    const { stream, publish, listen } = bench(context)
    const former = listen(`${stream}.a`, { queue: 'q', from: 'all' })
    await publish(`${stream}.a`, 1, 2, 3)
    await former.has(3)
    former.subscription.unsubscribe()
    const listener = listen(`${stream}.a`, { queue: 'q' })
    await publish(`${stream}.a`, 4)
    await listener.has(1)

    await manager.streams.delete(stream)
    await publish(`${stream}.a`, 5, 6, 7, 8)
    await listener.has(5)

    expect(listener.error()).toBeUndefined()
    expect(listener.bodies).toEqual([4, 5, 6, 7, 8])
  })
})

describe.concurrent('jetstreamBroker behind a server that restarts', () => {
  it('publishes and delivers everything', async context => {
    const server = await start(context)
    const { broker, stream, listen } = bench(context, { server, storage: 'file' })
    const bodies = Array.from({ length: 500 }, (_, index) => index)
    const listener = listen(`${stream}.a`, { queue: 'q', from: 'all', window: 16 })
    const sent$ = from(bodies).pipe(
      mergeMap(body => broker.publish(`${stream}.a`, messageOf(body)), 16),
      toArray(),
    )
    const receipts = lastValueFrom(sent$)
    await listener.has(100)

    await server.kill()
    await server.restart()

    expect(await within(receipts, PATIENCE_MS, 'the receipts')).toHaveLength(500)
    await eventually(() => new Set(listener.bodies).size === 500, PATIENCE_MS, 'every message')
    expect(listener.bodies.length).toBeLessThanOrEqual(500 + 16)
  })

  it.for([
    { title: 'without acknowledgement', options: { ack: 'none', from: 'all' } },
    { title: 'for a single subscriber', options: { from: 'all' } },
  ] as const)('has no gap and nothing twice $title', async ({ options }, context) => {
    const server = await start(context)
    const { stream, publish, listen } = bench(context, { server, storage: 'file' })
    const listener = listen(`${stream}.a`, options)
    await publish(`${stream}.a`, 1, 2, 3)
    await listener.has(3)

    await server.kill()
    await server.restart()
    await publish(`${stream}.a`, 4, 5, 6)
    await listener.has(6)

    expect(listener.bodies).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('goes on in the order of keys, and soon', async context => {
    const server = await start(context)
    const { stream, publish, listen } = bench(context, { server, storage: 'file' })
    const listener = listen(`${stream}.a`, { queue: 'q', from: 'all', ordered: true })
    await publish(`${stream}.a`, 1, 2, 3)
    await listener.has(3)

    await server.kill()
    await server.restart()
    await publish(`${stream}.a`, 4, 5, 6)
    await listener.has(6)

    expect(listener.bodies).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('delivers again what failed before, without a queue', async context => {
    const server = await start(context)
    const { broker, stream, publish, listen } = bench(context, { server, storage: 'file', backoffMs: [3000] })
    const listener = listen(`${stream}.a`, { from: 'all', ack: 'manual' })
    await publish(`${stream}.a`, 1, 2)
    await listener.has(2)
    listener.events[0]?.nak()
    listener.events[1]?.ack()

    await server.kill()
    await eventually(() => stateOf(broker) !== 'connected', PATIENCE_MS, 'the loss')
    await server.restart()
    await listener.has(3)

    expect(listener.bodies).toEqual([1, 2, 1])
  })

  it('settles what was in hand, and has it once', async context => {
    const server = await start(context)
    const { broker, stream, publish, listen } = bench(context, { server, storage: 'file', ackWaitMs: 1000 })
    const releases: (() => void)[] = []
    const holding: Through = mergeMap(event => {
      releases.push(hold() ?? (() => {}))
      return of(event)
    })
    const listener = listen(`${stream}.a`, { queue: 'q', from: 'all' }, holding)
    await publish(`${stream}.a`, 1, 2)
    await listener.has(2)
    await server.kill()
    await eventually(() => stateOf(broker) !== 'connected', PATIENCE_MS, 'the loss')
    releases[0]?.()
    await server.restart()

    await publish(`${stream}.a`, 3)
    await listener.has(3)
    for (const release of releases) release()

    await becomes(() => isSettled(server, stream), PATIENCE_MS, 'the acknowledgements')
    expect(listener.bodies).toEqual([1, 2, 3])
  })
})

async function lettersOf(broker: Broker, count: number): Promise<readonly DeadLetter[]> {
  let letters: readonly DeadLetter[] = []
  const listed = async (): Promise<boolean> => {
    letters = await lastValueFrom(broker.deadLetters.list().pipe(toArray()))
    return letters.length === count
  }
  await becomes(listed, PATIENCE_MS, `${count} dead letters`)
  return letters
}

/** Name of the one consumer of a stream, once it is there. */
async function consumerOf(stream: string): Promise<string> {
  let name: string | undefined
  const there = async (): Promise<boolean> => {
    const [consumer] = await manager.consumers
      .list(stream)
      .next()
      .catch(() => [])
    name = consumer?.name
    return name !== undefined
  }
  await becomes(there, PATIENCE_MS, 'the consumer')
  return name ?? ''
}

/** Whether nothing waits for an acknowledgement at the consumers of a stream. */
async function isSettled(server: NatsServer, stream: string): Promise<boolean> {
  const own = await connect({ servers: server.address })
  try {
    const consumers = await (await own.jetstreamManager()).consumers.list(stream).next()
    return consumers.length > 0 && consumers.every(each => each.num_ack_pending === 0 && each.num_pending === 0)
  } finally {
    await own.close()
  }
}

function stateOf(broker: Broker): string {
  let state = ''
  broker.status$.subscribe(status => (state = status.state)).unsubscribe()
  return state
}
