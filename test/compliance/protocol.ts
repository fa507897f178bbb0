import { emptyHeader, messageOf, RpcError, type Message } from 'millrace/core'
import type { Binding, Call, Connection, Peer, Protocol, SingleCall, StreamingCall } from 'millrace/protocol'
import { paced, pacedMap } from 'millrace/streams'
import {
  EMPTY,
  finalize,
  interval,
  map,
  merge,
  mergeMap,
  NEVER,
  type Observable,
  of,
  Subject,
  Subscription,
  take,
  tap,
  throwError,
  timer,
  toArray,
} from 'rxjs'
import { describe, expect, it } from 'vitest'
import { eventually } from '../support/deadline.js'
import { first } from '../support/first.js'
import { record, type Recording } from '../support/recording.js'

/** A protocol to be tried, made anew for each check. */
export interface ProtocolSetup {
  readonly protocol: Protocol
  /** Where `listen` chooses by itself. */
  readonly anyAddress: string
  /** A valid address where nobody listens. */
  readonly deadAddress: string
  /** Most items of one stream that may be on their way. */
  readonly window: number
  /** How many timers of the protocol are open. */
  readonly openTimers: () => number
  /** Longest wait for anything that must happen, ms. @default 5000 */
  readonly patienceMs?: number
}

/** What a protocol may lack; its checks are skipped, visibly. */
export interface ProtocolCapabilities {
  /** A server may call its client. @default true */
  readonly serverCalls?: boolean
}

/** One fact about a protocol; rejects when it is not so. */
export interface ProtocolCheck {
  readonly title: string
  readonly needs?: keyof ProtocolCapabilities
  readonly run: (bench: ProtocolBench) => Promise<void>
}

/** A protocol at work. */
export interface ProtocolBench extends ProtocolSetup {
  /** Listens, and answers with handlers by endpoint. */
  readonly listen: (handlers: Handlers | ((remote: Connection) => Peer)) => Promise<Listening>
  /** Connects. */
  readonly connect: (address: string, serve?: Peer) => Promise<Connected>
  /** Listens with handlers and connects. */
  readonly connected: (handlers: Handlers | ((remote: Connection) => Peer), serve?: Peer) => Promise<Both>
  /** Waits until `condition` holds. */
  readonly until: (condition: () => boolean) => Promise<void>
}

/** A protocol that listens. */
export interface Listening {
  readonly binding: Binding
  /** Unsubscribing aborts it. */
  readonly listening: Subscription
}

/** A protocol that has connected. */
export interface Connected {
  readonly connection: Connection
  readonly lifetime: Recording<Connection>
}

/** Both ends. */
export interface Both extends Listening, Connected {}

/** Handlers by endpoint. */
export type Handlers = { readonly [endpoint: string]: (call: never) => Observable<Message> }

/** A peer that answers with handlers. */
export function answering(handlers: Handlers): Peer {
  return {
    call(call) {
      const handler = handlers[call.route.endpoint] as ((call: Call) => Observable<Message>) | undefined
      const unknown = new RpcError('UNIMPLEMENTED', call.route.endpoint, { reason: 'unknown_endpoint' })
      return handler?.(call) ?? throwError(() => unknown)
    },
  }
}

function headOf(endpoint: string): Pick<Call, 'route' | 'header' | 'deadline' | 'key'> {
  const route = { contract: 'checks', version: '1.0.0', endpoint }
  return { route, header: emptyHeader, deadline: undefined, key: undefined }
}

function single(kind: SingleCall['kind'], endpoint: string, body?: unknown): SingleCall {
  return { ...headOf(endpoint), kind, body }
}

function streaming(kind: StreamingCall['kind'], endpoint: string, messages: Observable<Message>): StreamingCall {
  return { ...headOf(endpoint), kind, messages }
}

const bodies = ({ values }: Recording<Message>): unknown[] => values.map(({ body }) => body)
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index)
const numbers = (count: number) => (): Observable<Message> => paced(upTo(count).map(messageOf))
const echo = ({ body }: SingleCall): Observable<Message> => of(messageOf(body))
const echoAll = ({ messages }: StreamingCall): Observable<Message> => messages

/** An endless source that counts what it produces and notices its teardown. */
class Endless {
  produced = 0
  tornDown = 0

  readonly pushed = (): Observable<Message> =>
    interval(1).pipe(
      tap(() => this.produced++),
      map(messageOf),
      finalize(() => this.tornDown++),
    )

  readonly pulled = (): Observable<Message> => paced(this.items()).pipe(finalize(() => this.tornDown++));

  private *items(): Generator<Message> {
    for (;;) yield messageOf(this.produced++)
  }
}

const calls: readonly ProtocolCheck[] = [
  {
    title: 'answers a unary call with one message',
    async run({ connected, until }) {
      const { connection } = await connected({ echo })

      const reply = record(connection.call(single('unary', 'echo', { a: [1, null, 'ü'] })))
      await until(() => reply.completed)

      expect(bodies(reply)).toEqual([{ a: [1, null, 'ü'] }])
    },
  },
  {
    title: 'streams replies, all and in order',
    async run({ connected, until, window }) {
      const { connection } = await connected({ numbers: numbers(5 * window) })

      const replies = record(connection.call(single('serverStream', 'numbers')))
      await until(() => replies.completed)

      expect(bodies(replies)).toEqual(upTo(5 * window))
    },
  },
  {
    title: 'streams requests, all and in order',
    async run({ connected, until, window }) {
      const all = ({ messages }: StreamingCall): Observable<Message> =>
        messages.pipe(
          map(({ body }) => body),
          toArray(),
          map(messageOf),
        )
      const { connection } = await connected({ all })

      const reply = record(connection.call(streaming('clientStream', 'all', numbers(5 * window)())))
      await until(() => reply.completed)

      expect(bodies(reply)).toEqual([upTo(5 * window)])
    },
  },
  {
    title: 'streams both ways at once',
    async run({ connected, until, window }) {
      const { connection } = await connected({ echoAll })

      const replies = record(connection.call(streaming('duplex', 'echoAll', numbers(5 * window)())))
      await until(() => replies.completed)

      expect(bodies(replies)).toEqual(upTo(5 * window))
    },
  },
  {
    title: 'completes a tell without an answer',
    async run({ connected, until }) {
      const told: unknown[] = []
      const note = ({ body }: SingleCall): Observable<never> => (
        told.push(body),
        throwError(() => new RpcError('INTERNAL', 'a'))
      )
      const { connection } = await connected({ note })

      const done = record(connection.call(single('tell', 'note', 'a')))
      await until(() => told.length > 0)

      expect([told, done.completed, done.values]).toEqual([['a'], true, []])
    },
  },
  {
    title: 'makes a call once a subscription, not before',
    async run({ connected, until }) {
      let made = 0
      const count = (): Observable<Message> => of(messageOf(++made))
      const { connection } = await connected({ count, echo })
      const call = connection.call(single('unary', 'count'))
      const before = record(connection.call(single('unary', 'echo')))
      await until(() => before.completed)
      const unsubscribed = made

      const replies = [record(call), record(call)]
      await until(() => replies.every(({ completed }) => completed))

      expect([unsubscribed, replies.flatMap(bodies)]).toEqual([0, [1, 2]])
    },
  },
  {
    title: 'keeps header entries, trailers and missing bodies',
    async run({ connected, until }) {
      const seen: unknown[] = []
      const headers = ({ header, body }: SingleCall): Observable<Message> => {
        seen.push({ ...header }, body)
        return of({ header: { page: '1' }, body: null }, { header: { total: '1' }, body: undefined })
      }
      const { connection } = await connected({ headers })

      const replies = record(connection.call({ ...single('serverStream', 'headers'), header: { tenant: 'ä' } }))
      await until(() => replies.completed)

      expect(seen).toEqual([{ tenant: 'ä' }, undefined])
      expect(replies.values.map(({ header, body }) => [{ ...header }, body])).toEqual([
        [{ page: '1' }, null],
        [{ total: '1' }, undefined],
      ])
    },
  },
  {
    title: 'tells the handler of route and kind',
    async run({ connected, until }) {
      const seen: unknown[] = []
      const handler = ({ route, kind }: Call): Observable<Message> => (
        seen.push(route.contract, route.version, kind),
        EMPTY
      )
      const { connection } = await connected({ handler })

      const ends = [
        record(connection.call(single('serverStream', 'handler'))),
        record(connection.call(streaming('clientStream', 'handler', EMPTY))),
        record(connection.call(streaming('duplex', 'handler', EMPTY))),
      ]
      await until(() => ends.every(({ completed }) => completed))

      expect(seen).toEqual(['serverStream', 'clientStream', 'duplex'].flatMap(kind => ['checks', '1.0.0', kind]))
    },
  },
  {
    title: 'passes errors on whole',
    async run({ connected, until }) {
      const error = new RpcError('ABORTED', 'two at once', {
        reason: 'conflict',
        details: { at: [1, null] },
        retry: { safe: true, afterMs: 5 },
        hops: [{ service: 's', endpoint: 's.e' }],
        cause: new RpcError('DATA_LOSS', 'inner'),
      })
      const { connection } = await connected({ fails: () => throwError(() => error) })

      const ends = [
        record(connection.call(single('unary', 'fails'))),
        record(connection.call(single('serverStream', 'fails'))),
        record(connection.call(streaming('duplex', 'fails', NEVER))),
      ]
      await until(() => ends.every(each => each.error !== undefined))

      for (const each of ends) expect(each.error?.toJSON()).toEqual(error.toJSON())
    },
  },
  {
    title: 'cancels a call whose requests fail',
    async run({ connected, until }) {
      const endless = new Endless()
      const { connection } = await connected({
        both: ({ messages }: StreamingCall) => merge(messages, endless.pushed()),
      })
      const own = new TypeError('own')
      const requests$ = new Subject<Message>()
      const replies = record(connection.call(streaming('duplex', 'both', requests$)))
      await until(() => replies.values.length > 1)

      requests$.error(own)
      await until(() => endless.tornDown > 0)

      expect(replies.error).toBe(own)
    },
  },
]

const ending: readonly ProtocolCheck[] = [
  {
    title: 'tears a producer down within one round trip',
    async run({ connected, until }) {
      const endless = new Endless()
      const { connection } = await connected({ ticks: endless.pushed, echo })

      const ticks = record(connection.call(single('serverStream', 'ticks')).pipe(take(10)))
      await until(() => ticks.completed)
      const roundTrip = record(connection.call(single('unary', 'echo')))
      await until(() => roundTrip.completed)

      expect(endless.tornDown).toBe(1)
    },
  },
  {
    title: 'tears a unary handler down when unsubscribed',
    async run({ connected, until }) {
      const endless = new Endless()
      const { connection } = await connected({ never: () => endless.pushed().pipe(mergeMap(() => EMPTY)) })
      const reply = record(connection.call(single('unary', 'never')))
      await until(() => endless.produced > 0)

      reply.subscription.unsubscribe()

      await until(() => endless.tornDown === 1)
    },
  },
  {
    title: 'tears handlers down when the connection drops',
    async run({ connected, until }) {
      const endless = new Endless()
      const { connection, lifetime } = await connected({ ticks: endless.pushed })
      const replies = record(connection.call(single('serverStream', 'ticks')))
      await until(() => replies.values.length > 0)

      lifetime.subscription.unsubscribe()

      await until(() => endless.tornDown === 1)
      expect(replies.error).toMatchObject({ code: 'UNAVAILABLE' })
    },
  },
  {
    title: 'fails every running call when the server goes',
    async run({ connected, until }) {
      const { connection, listening, lifetime } = await connected({ never: () => NEVER })
      const running = [
        ...upTo(5).map(() => single('unary', 'never')),
        single('serverStream', 'never'),
        streaming('duplex', 'never', NEVER),
        streaming('clientStream', 'never', NEVER),
      ].map(call => record(connection.call(call)))

      listening.unsubscribe()
      await until(() => [...running, lifetime].every(({ error }) => error !== undefined))

      for (const { error } of running) expect(error).toMatchObject({ code: 'UNAVAILABLE', retry: { safe: false } })
    },
  },
  {
    title: 'refuses calls on a connection that has ended',
    async run({ connected, until }) {
      const { connection, listening, lifetime } = await connected({ echo })
      const status = record(connection.status)
      listening.unsubscribe()
      await until(() => lifetime.error !== undefined)

      const reply = record(connection.call(single('unary', 'echo')))

      expect(reply.error).toMatchObject({ code: 'UNAVAILABLE', retry: { safe: true } })
      expect(status).toMatchObject({ values: ['open', 'closed'], completed: true })
    },
  },
  {
    title: 'drains: running calls end, new ones are refused',
    async run({ connected, until }) {
      const work$ = new Subject<Message>()
      const { connection, binding, lifetime } = await connected({ work: () => work$, echo })
      const running = record(connection.call(single('serverStream', 'work')))
      const status = record(connection.status)
      await until(() => work$.observed)

      const drained = record(binding.drain())
      await until(() => status.values.includes('draining'))
      const refused = record(connection.call(single('unary', 'echo')))
      const before = drained.completed
      work$.next(messageOf('last'))
      work$.complete()
      await until(() => drained.completed && lifetime.completed)

      expect(refused.error).toMatchObject({ code: 'UNAVAILABLE', retry: { safe: true } })
      expect([before, bodies(running), running.completed]).toEqual([false, ['last'], true])
    },
  },
]

const pacing: readonly ProtocolCheck[] = [
  {
    title: 'slows a producer of replies down',
    async run({ connected, until, window }) {
      const endless = new Endless()
      const { connection } = await connected({ items: endless.pulled, echo })
      const slowly = pacedMap((item: Message) => timer(1).pipe(map(() => item)), { concurrency: 1 })

      const reading = record(connection.call(single('serverStream', 'items')).pipe(slowly))
      await until(() => reading.values.length > window)
      const { produced } = endless
      const readByThen = reading.values.length
      reading.subscription.unsubscribe()

      expect(produced).toBeLessThanOrEqual(readByThen + window)
    },
  },
  {
    title: 'slows a producer of requests down',
    async run({ connected, until, window }) {
      const endless = new Endless()
      let read = 0
      const { connection } = await connected({
        reads: ({ messages }: StreamingCall) =>
          messages.pipe(
            pacedMap(item => timer(1).pipe(map(() => item)), { concurrency: 1 }),
            tap(() => read++),
            mergeMap(() => EMPTY),
          ),
      })

      const writing = record(connection.call(streaming('duplex', 'reads', endless.pulled())))
      await until(() => read > window)
      const { produced } = endless
      const readByThen = read
      writing.subscription.unsubscribe()

      expect(produced).toBeLessThanOrEqual(readByThen + window)
    },
  },
  {
    title: 'lets a slow stream hold no other up',
    async run({ connected, until }) {
      const endless = new Endless()
      const { connection } = await connected({ items: endless.pulled, numbers: numbers(1000) })
      const stuck = connection.call(single('serverStream', 'items')).pipe(pacedMap(() => NEVER, { concurrency: 1 }))
      const reading = record(stuck)

      const other = record(connection.call(single('serverStream', 'numbers')))
      await until(() => other.completed)

      expect(other.values).toHaveLength(1000)
      reading.subscription.unsubscribe()
    },
  },
]

const connecting: readonly ProtocolCheck[] = [
  {
    title: 'fails to connect where nobody listens',
    async run({ protocol, deadAddress, until }) {
      const lifetime = record(protocol.connect(deadAddress))

      await until(() => lifetime.error !== undefined)

      expect(lifetime.error).toMatchObject({ code: 'UNAVAILABLE', reason: 'connect_failed', retry: { safe: true } })
    },
  },
  {
    title: 'asks for a peer once a connection',
    async run({ listen, connect, until }) {
      const remotes: Connection[] = []
      const { binding } = await listen(remote => {
        const name = remotes.push(remote)
        return answering({ name: () => of(messageOf(name)) })
      })
      const connections = [await connect(binding.address), await connect(binding.address)]

      const replies = connections.flatMap(({ connection }) =>
        upTo(2).map(() => record(connection.call(single('unary', 'name')))),
      )
      await until(() => replies.every(({ completed }) => completed))

      expect(
        replies
          .flatMap(bodies)
          .map(Number)
          .toSorted((a, b) => a - b),
      ).toEqual([1, 1, 2, 2])
      expect(remotes).toHaveLength(2)
    },
  },
  {
    title: 'lets a server call its client',
    needs: 'serverCalls',
    async run({ connected, until }) {
      const { connection } = await connected(
        remote => ({ call: () => remote.call(single('serverStream', 'numbers')) }),
        answering({ numbers: numbers(3) }),
      )

      const replies = record(connection.call(single('serverStream', 'any')))
      await until(() => replies.completed)

      expect(bodies(replies)).toEqual([0, 1, 2])
    },
  },
  {
    title: 'leaves nothing open',
    async run({ connected, until, openTimers }) {
      const before = openTimers()
      const { connection, listening, lifetime } = await connected({ echo, ticks: new Endless().pushed })
      const ticks = record(connection.call(single('serverStream', 'ticks')))
      await until(() => ticks.values.length > 0)

      lifetime.subscription.unsubscribe()
      listening.unsubscribe()

      await until(() => openTimers() <= before)
    },
  },
]

/** Everything that the contracts of `Protocol` and `Peer` say, as checks. */
export const protocolChecks: readonly ProtocolCheck[] = [...calls, ...ending, ...pacing, ...connecting]

/** Runs the checks as specs; those that need a missing capability are shown as skipped. */
export function testProtocol(
  name: string,
  setup: () => ProtocolSetup,
  { serverCalls = true }: ProtocolCapabilities = {},
): void {
  describe(`${name} as a Protocol`, () => {
    for (const check of protocolChecks) {
      it.skipIf(check.needs === 'serverCalls' && !serverCalls)(check.title, () => runProtocolCheck(check, setup()))
    }
  })
}

/** Runs one check and ends what it has opened, whatever comes of it. */
export async function runProtocolCheck(check: ProtocolCheck, setup: ProtocolSetup): Promise<void> {
  const opened = new Subscription()
  try {
    await check.run(benchOf(setup, opened))
  } finally {
    opened.unsubscribe()
  }
}

function benchOf(setup: ProtocolSetup, opened: Subscription): ProtocolBench {
  const { protocol, anyAddress, patienceMs = 5000 } = setup
  const until = (condition: () => boolean): Promise<void> => eventually(condition, patienceMs, String(condition))
  const listen: ProtocolBench['listen'] = async given => {
    const serve = typeof given === 'function' ? given : (): Peer => answering(given)
    const bindings = record(protocol.listen(anyAddress, serve))
    opened.add(bindings.subscription)
    await until(() => bindings.values.length > 0)
    return { binding: first(bindings.values), listening: bindings.subscription }
  }
  const connect: ProtocolBench['connect'] = async (address, serve) => {
    const lifetime = record(protocol.connect(address, serve === undefined ? {} : { serve }))
    opened.add(lifetime.subscription)
    await until(() => lifetime.values.length > 0)
    return { lifetime, connection: first(lifetime.values) }
  }
  return {
    ...setup,
    until,
    listen,
    connect,
    connected: async (handlers, serve) => {
      const listening = await listen(handlers)
      return { ...listening, ...(await connect(listening.binding.address, serve)) }
    },
  }
}
