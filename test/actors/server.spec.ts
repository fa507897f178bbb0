import * as v from 'valibot'
import {
  actor,
  clientStream,
  contract,
  createServer,
  createStub,
  duplex,
  serverStream,
  tell,
  unary,
  unchecked,
  type Behaviour,
  type Context,
  type Contract,
  type Endpoints,
  type ServerOptions,
  type StandardSchema,
  type Stub,
} from 'millrace/actors'
import { emptyHeader, RpcError, seededRuntime, silentLog, type LogEvent } from 'millrace/core'
import type { Peer } from 'millrace/protocol'
import { deliver } from 'millrace/streams'
import {
  concat,
  EMPTY,
  ignoreElements,
  lastValueFrom,
  map,
  NEVER,
  Observable,
  of,
  reduce,
  Subject,
  take,
  throwError,
  VirtualTimeScheduler,
} from 'rxjs'
import { describe, expect, it, vi } from 'vitest'
import * as z from 'zod'
import { record } from '../support/recording.js'
import { thrownBy } from '../support/thrown-by.js'

function stubOf<E extends Endpoints>(
  contract: Contract<E>,
  behaviour: Behaviour<NoInfer<E>>,
  options: Partial<ServerOptions> = {},
): Stub<E> {
  const server = createServer({ actors: [actor(contract, behaviour)], log: silentLog, ...options })
  return createStub(contract, server, { log: silentLog })
}

const One = contract('one', { get: unary<string, unknown>() })
const Many = contract('many', { list: serverStream<string, unknown>() })

function failing(error: unknown, options: Partial<ServerOptions> = {}): Stub<typeof One.endpoints> {
  return stubOf(One, { get: () => throwError(() => error) }, options)
}

const neverChecked: StandardSchema<number> = {
  '~standard': { version: 1, vendor: 'test', validate: () => new Promise(() => {}) },
}

function withReject(): { readonly promise: Promise<never>; readonly reject: (error: unknown) => void } {
  const rejected = new Subject<never>()
  return { promise: lastValueFrom(rejected), reject: error => rejected.error(error) }
}

function errorIdOf(error: RpcError | undefined): unknown {
  return (error?.details as { readonly errorId: string } | undefined)?.errorId
}

describe('createServer', () => {
  describe('unary', () => {
    it.each([
      ['a value', 'value'],
      ['a string, whole', 'a b c'],
      ['an array, whole', [1, 2, 3]],
      ['nothing', undefined],
      ['null', null],
    ])('answers with %s', (_, value) => {
      const one = stubOf(One, { get: () => value })

      const reply = record(one.get('a'))

      expect(reply.values).toEqual([value])
      expect(reply.completed).toBe(true)
    })

    it('answers with what a promise resolves to', async () => {
      const one = stubOf(One, { get: async text => `${text}!` })

      await expect(one.promise.get('a')).resolves.toBe('a!')
    })

    it('answers with the one value of an Observable', () => {
      const one = stubOf(One, { get: text => of(text).pipe(map(value => `${value}!`)) })

      expect(record(one.get('a')).values).toEqual(['a!'])
    })

    it.each([
      ['no value', EMPTY],
      ['more than one value', of(1, 2)],
    ])('fails when the Observable emits %s', (count, result$) => {
      const one = stubOf(One, { get: () => result$ })

      const { error, values } = record(one.get('a'))

      expect(values).toEqual([])
      expect(error).toMatchObject({ code: 'INTERNAL', reason: 'not_exactly_one' })
      expect(error?.message).toContain(`one.get: the handler's Observable emitted ${count}`)
    })

    it('leaves an endless Observable at its second value', () => {
      let produced = 0
      const endless$ = new Observable<number>(subscriber => {
        while (!subscriber.closed) subscriber.next(produced++)
      })
      const one = stubOf(One, { get: () => endless$ })

      record(one.get('a'))

      expect(produced).toBe(2)
    })

    it('runs the handler once a subscription', () => {
      const get = vi.fn(() => 1)
      const one = stubOf(One, { get })
      const call$ = one.get('a')
      expect(get).not.toHaveBeenCalled()

      record(call$)
      record(call$)

      expect(get).toHaveBeenCalledTimes(2)
    })
  })

  describe('serverStream', () => {
    it.each([
      ['an Observable', () => of(1, 2)],
      ['an array', () => [1, 2]],
      [
        'a generator',
        function* () {
          yield* [1, 2]
        },
      ],
    ])('answers with the items of %s', (_, list) => {
      const reply = record(stubOf(Many, { list }).list('a'))

      expect(reply.values).toEqual([1, 2])
      expect(reply.completed).toBe(true)
    })

    it('answers with the items of an async generator', async () => {
      const many = stubOf(Many, {
        async *list() {
          yield* [1, 2]
        },
      })

      const reply = record(many.list('a'))

      await vi.waitFor(() => expect(reply).toMatchObject({ values: [1, 2], completed: true }))
    })

    it.each([
      ['a string', 'text', 'string'],
      ['nothing', undefined, 'undefined'],
      ['null', null, 'null'],
      ['a plain object', {}, 'object'],
      ['a promise', Promise.resolve([]), 'a promise'],
    ])('refuses %s as a stream', (_, result, what) => {
      const many = stubOf(Many, { list: () => result as never })

      const { error } = record(many.list('a'))

      expect(error).toMatchObject({ code: 'INTERNAL', reason: 'not_a_stream' })
      expect(error?.message).toContain(`the handler gave ${what}`)
    })

    it('leaves no rejection of a refused promise behind', async () => {
      const unhandled = vi.fn()
      process.once('unhandledRejection', unhandled)
      const many = stubOf(Many, { list: () => Promise.reject(new TypeError('broken')) as never })

      record(many.list('a'))
      await new Promise(resolve => setImmediate(resolve))

      expect(unhandled).not.toHaveBeenCalled()
      process.off('unhandledRejection', unhandled)
    })

    it('takes no more from an iterable than is consumed', () => {
      let produced = 0
      const many = stubOf(Many, {
        *list() {
          while (true) yield produced++
        },
      })

      record(many.list('a').pipe(take(3)))

      expect(produced).toBe(3)
    })
  })

  describe('streams of requests', () => {
    const Sums = contract('sums', { total: clientStream<number, number>(), running: duplex<number, number>() })
    const behaviour: Behaviour<typeof Sums.endpoints> = {
      total: number$ => number$.pipe(reduce((sum, number) => sum + number, 0)),
      running: number$ => number$.pipe(map(number => number * 10)),
    }

    it('reach the handler in order', () => {
      const sums = stubOf(Sums, behaviour)

      expect(record(sums.total([1, 2, 3])).values).toEqual([6])
      expect(record(of(1, 2, 3).pipe(sums.running)).values).toEqual([10, 20, 30])
    })

    it('are torn down with the handler', () => {
      const left = vi.fn()
      const requests$ = new Observable<number>(() => left)
      const running = record(requests$.pipe(stubOf(Sums, behaviour).running))

      running.subscription.unsubscribe()

      expect(left).toHaveBeenCalledTimes(1)
    })

    it('are paced by replies where the endpoint says so', () => {
      const Paced = contract('paced', { echo: duplex<number, number>({ pace: 'reply' }) })
      const gate = new Subject<number>()
      const paced = stubOf(Paced, {
        echo: number$ => new Observable(s => number$.subscribe(() => {}).add(gate.subscribe(s))),
      })
      const consumed: number[] = []
      const requests$ = new Observable<number>(subscriber => {
        for (const item of [1, 2]) deliver(subscriber, item, () => consumed.push(item))
      })
      record(requests$.pipe(paced.echo))
      expect(consumed).toEqual([])

      gate.next(10)

      expect(consumed).toEqual([1])
    })
  })

  it.each([
    ['a behaviour paced by reply that does not', duplex<number, number>({ pace: 'reply' })],
    ['a check that does not answer', duplex({ request: neverChecked, reply: unchecked<number>() })],
  ])('logs the stall of %s', (_, echo) => {
    const scheduler = new VirtualTimeScheduler()
    const lines: LogEvent[] = []
    const stub = stubOf(
      contract('stuck', { echo }),
      { echo: number$ => number$.pipe(ignoreElements()) },
      { log: line => lines.push(line), runtime: seededRuntime({ scheduler, seed: 1 }) },
    )
    const requests$ = new Observable<number>(subscriber => deliver(subscriber, 1, () => {}))
    const call = record(requests$.pipe(stub.echo))

    scheduler.flush()

    expect(lines).toMatchObject([{ level: 'warn', event: 'stalled', fields: { where: 'stuck.echo', requests: 1 } }])
    call.subscription.unsubscribe()
  })

  describe('tell', () => {
    const Logs = contract('logs', { write: tell<string>() })

    it('completes without a reply', () => {
      const lines: string[] = []
      const logs = stubOf(Logs, { write: line => void lines.push(line) })

      const reply = record(logs.write('a'))

      expect(reply).toMatchObject({ values: [], completed: true })
      expect(lines).toEqual(['a'])
    })

    it('logs what its caller cannot hear', () => {
      const events: LogEvent[] = []
      const logs = stubOf(
        Logs,
        {
          write: () => {
            throw new TypeError('disk full')
          },
        },
        { log: event => events.push(event) },
      )

      const reply = record(logs.write('a'))

      expect(reply).toMatchObject({ error: undefined, completed: true })
      expect(events).toMatchObject([{ level: 'error', event: 'handler.failed' }])
    })
  })

  describe('routing', () => {
    const peer = createServer({ actors: [actor(One, { get: () => 1 }), actor(Many, { list: () => [] })] })

    it('names the endpoints that exist', () => {
      const Newer = contract('one', { get: unary<string, unknown>(), put: unary() })

      const { error } = record(createStub(Newer, peer).put())

      expect(error).toMatchObject({ code: 'UNIMPLEMENTED', reason: 'unknown_endpoint', retry: { safe: true } })
      expect(error?.details).toEqual({ known: ['get'] })
      expect(error?.message).toContain('contract one has no endpoint "put" here, known are get')
    })

    it('names the contracts that exist', () => {
      const Other = contract('other', { get: unary() })

      const { error } = record(createStub(Other, peer).get())

      expect(error).toMatchObject({ code: 'UNIMPLEMENTED', reason: 'unknown_endpoint' })
      expect(error?.message).toContain('no contract "other" is served here, known are many, one')
    })

    it.each(['constructor', '__proto__', 'toString'])('does not find %s', endpoint => {
      const route = { contract: 'one', version: '1', endpoint }
      const head = { route, header: emptyHeader, deadline: undefined, key: undefined }

      const { error } = record(peer.call({ ...head, kind: 'unary', body: undefined }))

      expect(error?.reason).toBe('unknown_endpoint')
    })

    it('refuses a call of another kind', () => {
      const Streaming = contract('one', { get: serverStream<string, unknown>() })

      const { error } = record(createStub(Streaming, peer).get('a'))

      expect(error).toMatchObject({ code: 'UNIMPLEMENTED', reason: 'wrong_kind' })
    })

    it('answers a foreign stream of requests with one reply', () => {
      const Sum = contract('sum', { add: clientStream<number, number>() })
      const server = createServer({ actors: [actor(Sum, { add: n$ => n$.pipe(reduce((a, b) => a + b)) })] })
      const head = { route: Sum.routes.add, header: emptyHeader, deadline: undefined, key: undefined }
      const messages = of(1, 2).pipe(map(body => ({ header: emptyHeader, body })))
      const call = { ...head, kind: 'duplex', messages } as const

      const [typed, foreign] = [record(server.call(call)), record(server.call({ ...call, anyStream: true }))]

      expect([typed.error?.reason, foreign.values.map(({ body }) => body)]).toEqual(['wrong_kind', [3]])
    })

    it('refuses two actors of one contract', () => {
      const one = actor(One, { get: () => 1 })

      expect(thrownBy(() => createServer({ actors: [one, one] })).reason).toBe('duplicate_contract')
    })

    it('refuses to serve nothing', () => {
      expect(thrownBy(() => createServer({ actors: [] })).reason).toBe('invalid_options')
    })
  })

  describe('schemas', () => {
    const user = z.object({ name: z.string(), tags: z.array(z.string()) })
    const Users = contract('users', {
      add: unary({ request: user, reply: z.number() }),
      addAll: duplex({ request: user, reply: unchecked<string>() }),
      double: unary({ request: z.string().transform(Number), reply: z.number().transform(n => n * 2) }),
      later: unary({
        request: v.pipeAsync(
          v.string(),
          v.checkAsync(async text => text !== 'bad'),
        ),
        reply: v.number(),
      }),
      each: duplex({
        request: v.pipeAsync(
          v.number(),
          v.transformAsync(async n => n * 10),
        ),
        reply: z.number(),
      }),
    })
    const users = stubOf(Users, {
      add: () => 1,
      addAll: user$ => user$.pipe(map(({ name }) => name)),
      double: number => number,
      later: text => text.length,
      each: number$ => number$,
    })

    it('refuse a request with the path of each fault', () => {
      const { error } = record(users.add({ name: 1, tags: ['a', 2] } as never))

      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_request' })
      expect(error?.details).toMatchObject({ issues: [{ path: 'name' }, { path: 'tags[1]' }] })
      expect(error?.message).toContain('users.add refuses the request: name: ')
    })

    it('refuse an item of a stream of requests', () => {
      const reply = record(users.addAll([{ name: 'a', tags: [] }, {} as never]))

      expect(reply.values).toEqual(['a'])
      expect(reply.error).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_request' })
    })

    it('refuse a reply as a fault of the server', () => {
      const broken = stubOf(Users, { ...none, add: () => 'one' as never })

      const { error } = record(broken.add({ name: 'a', tags: [] }))

      expect(error).toMatchObject({ code: 'INTERNAL', reason: 'invalid_reply' })
    })

    it('change each value once', () => {
      expect(record(users.double('21')).values).toEqual([42])
    })

    it('may be asynchronous', async () => {
      await expect(users.promise.later('good')).resolves.toBe(4)
      await expect(users.promise.later('bad')).rejects.toMatchObject({ reason: 'invalid_request' })
    })

    it('keep the order of a stream when asynchronous', async () => {
      const reply = record(users.each([1, 2, 3]))

      await vi.waitFor(() => expect(reply.completed).toBe(true))
      expect(reply.values).toEqual([10, 20, 30])
    })

    it('keep the order when only some are asynchronous', async () => {
      const slowOne: StandardSchema<number> = {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: value => (value === 1 ? Promise.resolve({ value: 1 }) : { value: value as number }),
        },
      }
      const Mixed = contract('mixed', { echo: duplex({ request: slowOne, reply: unchecked<number>() }) })

      const reply = record(stubOf(Mixed, { echo: number$ => number$ }).echo(of(0, 1, 2)))

      await vi.waitFor(() => expect(reply.completed).toBe(true))
      expect(reply.values).toEqual([0, 1, 2])
    })

    it('list at most 16 faults', () => {
      const tags = Array.from({ length: 20 }, () => 1)

      const { error } = record(users.add({ name: 'a', tags } as never))

      expect(error).toMatchObject({ details: { issues: { length: 16 } } })
      expect(error?.message).toContain('; and 4 more')
    })

    const none = { add: () => 1, addAll: () => [], double: () => 1, later: () => 1, each: () => [] }
  })

  describe('errors', () => {
    it('hides what a handler throws behind an id', () => {
      const events: LogEvent[] = []
      const secret = new TypeError('password is hunter2')
      const one = failing(secret, { log: event => events.push(event) })

      const { error } = record(one.get('a'))

      expect(error).toMatchObject({ code: 'INTERNAL', reason: 'handler_failed' })
      expect(error?.cause).toBeUndefined()
      const errorId = errorIdOf(error)
      expect(JSON.stringify(error)).not.toContain('hunter2')
      expect(events).toMatchObject([{ level: 'error', event: 'handler.failed', fields: { errorId, error: secret } }])
    })

    it('logs the same id at the caller', () => {
      const events: LogEvent[] = []
      const server = createServer({
        actors: [
          actor(One, {
            get: () => {
              throw new TypeError('broken')
            },
          }),
        ],
        log: silentLog,
      })

      const { error } = record(createStub(One, server, { log: event => events.push(event) }).get('a'))

      const errorId = errorIdOf(error)
      expect(events).toMatchObject([{ level: 'error', event: 'call.failed', fields: { errorId } }])
    })

    it('shows causes when it is told to', () => {
      const cause = new TypeError('broken')

      const { error } = record(failing(cause, { exposeCauses: true }).get('a'))

      expect(error?.cause).toBe(cause)
    })

    it.each([
      ['a rejection', async () => Promise.reject(new TypeError('broken'))],
      ['an Observable', () => throwError(() => new TypeError('broken'))],
      ['a string', () => throwError(() => 'broken')],
    ])('treats %s like a throw', async (_, get) => {
      const one = stubOf(One, { get })

      await expect(one.promise.get('a')).rejects.toMatchObject({ code: 'INTERNAL', reason: 'handler_failed' })
    })

    it('passes an RpcError on with one more hop', () => {
      const missing = new RpcError('NOT_FOUND', 'no user 7', { reason: 'no_user', details: { id: 7 } })

      const { error } = record(failing(missing, { name: 'users', node: 'n1' }).get('a'))

      expect(error).toMatchObject({ code: 'NOT_FOUND', reason: 'no_user', details: { id: 7 } })
      expect(error?.hops).toEqual([{ service: 'users', endpoint: 'one.get', node: 'users-n1' }])
    })

    it('keeps the advice of its own handler', () => {
      const busy = new RpcError('UNAVAILABLE', 'busy', { retry: { safe: true, afterMs: 5 } })

      expect(record(failing(busy).get('a')).error?.retry).toEqual({ safe: true, afterMs: 5 })
    })

    it('drops advice from further down', () => {
      const hops = [{ service: 'db', endpoint: 'db.get' }]
      const down = new RpcError('UNAVAILABLE', 'no answer', { retry: { safe: true }, hops })

      const { error } = record(failing(down).get('a'))

      expect(error?.retry).toEqual({ safe: false })
      expect(error?.hops).toHaveLength(2)
    })

    it('keeps advice from further down when idempotent', () => {
      const Safe = contract('safe', { get: unary<string, unknown>({ idempotent: true }) })
      const hops = [{ service: 'db', endpoint: 'db.get' }]
      const down = new RpcError('UNAVAILABLE', 'no answer', { retry: { safe: true }, hops })
      const safe = stubOf(Safe, { get: () => throwError(() => down) })

      expect(record(safe.get('a')).error?.retry).toEqual({ safe: true })
    })

    it('ends a stream behind its items', () => {
      const many = stubOf(Many, {
        list: () =>
          concat(
            of(1),
            throwError(() => new TypeError('broken')),
          ),
      })

      const reply = record(many.list('a'))

      expect(reply.values).toEqual([1])
      expect(reply.error).toMatchObject({ code: 'INTERNAL', reason: 'handler_failed' })
    })
  })

  describe('cancellation', () => {
    it('tears an Observable down in the same turn', () => {
      const left = vi.fn()
      const many = stubOf(Many, { list: () => new Observable(() => left) })

      record(many.list('a')).subscription.unsubscribe()

      expect(left).toHaveBeenCalledTimes(1)
    })

    it('returns an async iterator in the same turn', () => {
      const left = vi.fn()
      const iterator = { next: () => new Promise<never>(() => {}), return: async () => left() as never }
      const many = stubOf(Many, { list: () => ({ [Symbol.asyncIterator]: () => iterator }) })

      record(many.list('a')).subscription.unsubscribe()

      expect(left).toHaveBeenCalledTimes(1)
    })

    it.each([
      ['a promise', () => new Promise<never>(() => {})],
      ['an Observable', () => NEVER],
    ])('aborts the signal of a handler that gave %s', (_, result) => {
      let signal: AbortSignal | undefined
      const one = stubOf(One, { get: (_text, context) => ((signal = context.signal), result()) })

      record(one.get('a')).subscription.unsubscribe()

      expect(signal?.aborted).toBe(true)
      expect(signal?.reason).toMatchObject({ code: 'CANCELLED' })
    })

    it('gives an aborted signal to who asks late', () => {
      let late: Context | undefined
      const one = stubOf(One, { get: (_text, context) => ((late = context), NEVER) })

      record(one.get('a')).subscription.unsubscribe()

      expect(late?.signal.aborted).toBe(true)
    })

    it.each([
      ['completed', () => 1],
      ['failed', () => throwError(() => new RpcError('NOT_FOUND', 'no'))],
    ])('does not abort a call that has %s', (_, result) => {
      let signal: AbortSignal | undefined
      const one = stubOf(One, { get: (_text, context) => ((signal = context.signal), result()) })

      record(one.get('a')).subscription.unsubscribe()

      expect(signal?.aborted).toBe(false)
    })

    it('forgets what a cancelled promise rejects with', async () => {
      const events: LogEvent[] = []
      const { promise, reject } = withReject()
      const one = stubOf(One, { get: () => promise }, { log: event => events.push(event) })
      record(one.get('a')).subscription.unsubscribe()

      reject(new TypeError('aborted'))

      await expect(promise).rejects.toThrow('aborted')
      expect(events).toEqual([])
    })
  })

  describe('deadlines', () => {
    const scheduler = new VirtualTimeScheduler()
    const runtime = seededRuntime({ scheduler, seed: 1 })
    const route = One.routes.get
    const call = (peer: Peer, deadline: number): ReturnType<typeof record> =>
      record(peer.call({ kind: 'unary', route, header: emptyHeader, deadline, key: undefined, body: 'a' }))

    it('keeps an expired call from the handler', () => {
      const get = vi.fn(() => 1)
      const peer = createServer({ actors: [actor(One, { get })], runtime })

      const { error } = call(peer, scheduler.now() - 5)

      expect(error).toMatchObject({ code: 'DEADLINE_EXCEEDED', reason: 'expired_in_queue' })
      expect(error?.message).toContain('5 ms')
      expect(get).not.toHaveBeenCalled()
    })

    it('tells the handler how much time is left', () => {
      const peer = createServer({ actors: [actor(One, { get: (_, context) => context.remainingMs() })], runtime })

      expect(call(peer, scheduler.now() + 40).values).toMatchObject([{ body: 40 }])
    })
  })

  it('wraps calls in interceptors, the first outermost', () => {
    const order: string[] = []
    const noting =
      (name: string) =>
      (next: Peer): Peer => ({
        call: message => {
          order.push(name)
          return next.call(message)
        },
      })
    const one = stubOf(One, { get: () => order.push('handler') }, { interceptors: [noting('a'), noting('b')] })

    record(one.get('a'))

    expect(order).toEqual(['a', 'b', 'handler'])
  })

  it.each([
    [
      'throws',
      () => {
        throw new TypeError('broken')
      },
    ],
    ['fails', () => throwError(() => new TypeError('broken'))],
  ])('treats an interceptor that %s like a handler', (_, call) => {
    const one = stubOf(One, { get: () => 1 }, { interceptors: [() => ({ call })] })

    expect(record(one.get('a')).error).toMatchObject({ code: 'INTERNAL', reason: 'handler_failed' })
  })

  it('gives handlers header and route', () => {
    let seen: Context | undefined
    const one = stubOf(One, { get: (_, context) => (seen = context) })

    record(one.with({ header: { Tenant: 'blue' } }).get('a'))

    expect({ ...seen?.header }).toEqual({ tenant: 'blue' })
    expect(seen?.route).toBe(One.routes.get)
  })
})
