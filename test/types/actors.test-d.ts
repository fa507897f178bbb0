import * as v from 'valibot'
import type { Either } from 'fp-ts/lib/Either.js'
import {
  actor,
  clientStream,
  contract,
  duplex,
  on,
  onEvents,
  serverStream,
  tell,
  topic,
  unary,
  unchecked,
  type Context,
  type EventBus,
  type TopicContext,
  type TopicEvent,
  type Stub,
} from 'millrace/actors'
import type { RpcError } from 'millrace/core'
import { pacedMap } from 'millrace/streams'
import { concatMap, mergeMap, type Observable } from 'rxjs'
import { describe, expectTypeOf, it } from 'vitest'
import * as z from 'zod'

interface Tally {
  readonly [word: string]: number
}

const Words = contract('words', {
  count: unary<string, number>(),
  now: unary<void, Date>(),
  ping: unary(),
  lines: serverStream<string, string>(),
  longest: clientStream<string, string>(),
  tally: duplex<string, Tally>({ pace: 'reply' }),
  forget: tell<string>(),
})
declare const words: Stub<typeof Words.endpoints>
declare const text$: Observable<string>
declare const context: Context

describe('Stub', () => {
  it('is an operator where requests are a stream', () => {
    expectTypeOf(text$.pipe(words.tally)).toEqualTypeOf<Observable<Tally>>()
    expectTypeOf(text$.pipe(words.longest)).toEqualTypeOf<Observable<string>>()
    expectTypeOf(words.tally(['a', 'b'])).toEqualTypeOf<Observable<Tally>>()
  })

  it('fits operators that map to Observables', () => {
    expectTypeOf(text$.pipe(mergeMap(words.count))).toEqualTypeOf<Observable<number>>()
    expectTypeOf(text$.pipe(concatMap(words.lines))).toEqualTypeOf<Observable<string>>()
    expectTypeOf(text$.pipe(pacedMap(words.lines))).toEqualTypeOf<Observable<string>>()
    expectTypeOf(text$.pipe(pacedMap(words.lines), words.tally)).toEqualTypeOf<Observable<Tally>>()
  })

  it('takes no argument where there is no request', () => {
    expectTypeOf(words.now()).toEqualTypeOf<Observable<Date>>()
    expectTypeOf(words.ping()).toEqualTypeOf<Observable<void>>()
  })

  it('gives nothing for a tell', () => {
    expectTypeOf(words.forget('a')).toEqualTypeOf<Observable<never>>()
    expectTypeOf(words.promise.forget('a')).toEqualTypeOf<Promise<void>>()
  })

  it('keeps its type through with', () => {
    expectTypeOf(words.with({ deadlineMs: 200 })).toEqualTypeOf<typeof words>()
    expectTypeOf(
      words
        .with(context)
        .with({ key: 'a', header: { tenant: 't' } })
        .count('a'),
    ).toEqualTypeOf<Observable<number>>()
  })

  it('has faces for promises and for errors as values', () => {
    expectTypeOf(words.promise.count('a')).toEqualTypeOf<Promise<number>>()
    expectTypeOf(words.promise.longest(text$)).toEqualTypeOf<Promise<string>>()
    expectTypeOf(words.either.count('a')).toEqualTypeOf<Observable<Either<RpcError, number>>>()
    expectTypeOf(text$.pipe(words.either.tally)).toEqualTypeOf<Observable<Either<RpcError, Tally>>>()
  })

  it('refuses what does not fit', () => {
    // @ts-expect-error the request is a string
    words.count(1)
    // @ts-expect-error a request is due
    words.count()
    // @ts-expect-error one request, not a stream of them
    text$.pipe(words.count)
    // @ts-expect-error a string is no stream of requests
    words.tally('text')
    // @ts-expect-error a stream of numbers is no stream of strings
    words.tally([1])
    // @ts-expect-error a stream has no promise
    words.promise.lines('a')
    // @ts-expect-error a stream has no promise
    words.promise.tally(text$)
    // @ts-expect-error no such option
    words.with({ deadline: 200 })
    // @ts-expect-error no such endpoint
    words.counts('a')
  })
})

describe('contract', () => {
  it('infers requests and replies from schemas, each side its own', () => {
    const Users = contract('users', {
      find: unary({ request: z.object({ id: z.string().transform(Number) }), reply: v.object({ name: v.string() }) }),
      watch: serverStream({ request: unchecked<string>(), reply: z.coerce.date() }),
      log: tell({
        request: v.pipe(
          v.string(),
          v.transform(text => text.length),
        ),
      }),
    })
    const stub = {} as Stub<typeof Users.endpoints>

    expectTypeOf(stub.find).toEqualTypeOf<(request: { id: string }) => Observable<{ name: string }>>()
    expectTypeOf(stub.watch).returns.toEqualTypeOf<Observable<Date>>()
    expectTypeOf(stub.log).parameter(0).toEqualTypeOf<string>()
    actor(Users, {
      find: request => {
        expectTypeOf(request).toEqualTypeOf<{ id: number }>()
        return { name: String(request.id) }
      },
      watch: request => {
        expectTypeOf(request).toEqualTypeOf<string>()
        return [new Date(0)]
      },
      log: request => expectTypeOf(request).toEqualTypeOf<number>() as never,
    })
  })

  it('refuses names that the stub has itself', () => {
    // @ts-expect-error taken
    contract('taken', { with: unary() })
    // @ts-expect-error taken
    contract('taken', { then: unary() }) // oxlint-disable-line unicorn/no-thenable
    // @ts-expect-error taken
    contract('taken', { either: unary() })
    // @ts-expect-error taken
    contract('taken', { promise: unary() })
  })

  it('refuses what is no endpoint', () => {
    // @ts-expect-error a function is no endpoint
    contract('wrong', { count: () => 1 })
    // @ts-expect-error schemas come in pairs
    contract('wrong', { count: unary({ request: z.string() }) })
    // @ts-expect-error only duplex is paced by replies
    contract('wrong', { count: unary({ pace: 'reply' }) })
  })
})

describe('actor', () => {
  const behaviour = {
    count: (text: string) => text.length,
    now: async () => new Date(0),
    ping: () => {},
    lines: function* (text: string) {
      yield* text.split('\n')
    },
    longest: (line$: Observable<string>) => line$,
    tally: (line$: Observable<string>) => line$.pipe(mergeMap(line => [{ [line]: 1 }])),
    forget: () => {},
  }

  it('gives handlers the types of their endpoint', () => {
    actor(Words, {
      ...behaviour,
      count: (text, context) => {
        expectTypeOf(text).toEqualTypeOf<string>()
        expectTypeOf(context.remainingMs()).toEqualTypeOf<number>()
        expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>()
        return text.length
      },
      tally: line$ => {
        expectTypeOf(line$).toEqualTypeOf<Observable<string>>()
        return []
      },
    })
  })

  it('refuses handlers that do not fit', () => {
    const { count: _, ...incomplete } = behaviour
    // @ts-expect-error count is missing
    actor(Words, incomplete)
    // @ts-expect-error counts answers no endpoint
    actor(Words, { ...behaviour, counts: () => 1 })
    // @ts-expect-error the reply is a number
    actor(Words, { ...behaviour, count: () => 'one' })
    // @ts-expect-error a string is no stream of replies
    actor(Words, { ...behaviour, lines: () => 'text' })
    // @ts-expect-error a promise is no stream of replies
    actor(Words, { ...behaviour, lines: async () => ['text'] })
    // @ts-expect-error the request is a string
    actor(Words, { ...behaviour, count: (text: number) => text })
  })
})

describe('topic', () => {
  const Order = z.object({ id: z.string(), cents: z.number().default(0) })
  const OrderPlaced = topic('orders.placed', Order, { key: order => order.id })
  const AnyOrder = topic('orders.*', Order)
  const bus = {} as EventBus

  it('gives subscribers what its schema gives', () => {
    expectTypeOf(bus.subscribe(OrderPlaced)).toEqualTypeOf<Observable<{ id: string; cents: number }>>()
    expectTypeOf(bus.subscribe(AnyOrder)).toEqualTypeOf<Observable<{ id: string; cents: number }>>()
    expectTypeOf(bus.subscribe(topic<string>('texts'))).toEqualTypeOf<Observable<string>>()
    expectTypeOf(bus.subscribe(topic<string>('texts.>'))).toEqualTypeOf<Observable<string>>()
    expectTypeOf(bus.subscribe(topic('anything'))).toEqualTypeOf<Observable<unknown>>()
  })

  it('takes from publishers what its schema takes', () => {
    bus.publish(OrderPlaced, { id: 'a' })
    bus.publish(topic('texts', unchecked<string>(), { key: text => text.slice(0, 1) }), 'hello')
    // @ts-expect-error an order has an id
    bus.publish(OrderPlaced, { cents: 1 })
    // @ts-expect-error an order is no text
    bus.publish(topic<string>('texts'), { id: 'a' })
  })

  it('cannot be published to with wildcards', () => {
    // @ts-expect-error orders.* is no topic but a pattern
    bus.publish(AnyOrder, { id: 'a' })
    // @ts-expect-error nor is this
    bus.publish(topic<string>('texts.>'), 'hello')
  })

  it('has events with values', () => {
    bus.events(OrderPlaced, { ack: 'manual' }).subscribe(event => {
      expectTypeOf(event.value).toEqualTypeOf<{ id: string; cents: number }>()
      expectTypeOf(event).not.toHaveProperty('message')
      event.ack()
    })
    // @ts-expect-error a value has nothing to acknowledge it by
    bus.subscribe(OrderPlaced, { ack: 'manual' })
  })
})

describe('on', () => {
  const Order = z.object({ id: z.string(), cents: z.number().default(0) })
  const OrderPlaced = topic('orders.placed', Order)
  type Placed = z.output<typeof Order>

  it('takes an operator of the values of its topic', () => {
    on(OrderPlaced, (order$, context) => {
      expectTypeOf(order$).toEqualTypeOf<Observable<Placed>>()
      expectTypeOf(context).toEqualTypeOf<TopicContext>()
      return order$
    })
    on(
      OrderPlaced,
      pacedMap(order => [order.cents]),
    )
    on(topic('orders.*', Order), order$ => order$)
    on(
      OrderPlaced,
      // @ts-expect-error an order has no name
      pacedMap(order => [order.name]),
    )
    // @ts-expect-error what a handler gives is an Observable
    on(OrderPlaced, async () => {})
    // @ts-expect-error a value has nothing to acknowledge it by
    on(OrderPlaced, order$ => order$, { ack: 'manual' })
  })

  it('has a sibling that takes events', () => {
    onEvents(OrderPlaced, event$ => {
      expectTypeOf(event$).toEqualTypeOf<Observable<TopicEvent<Placed>>>()
      return event$
    })
    onEvents(OrderPlaced, event$ => event$, { ack: 'manual', queue: false })
  })

  it('makes actors of contracts without endpoints', () => {
    const handler = on(OrderPlaced, order$ => order$)

    actor(contract('billing', {}), {}, handler)
    // @ts-expect-error there is no endpoint to answer
    actor(contract('billing', {}), { bill: () => 1 }, handler)
  })
})
