import { actor, contract, createService, on, onEvents, topic, unary, type TopicHandler } from 'millrace/actors'
import { memoryBroker } from 'millrace/broker'
import { type LogEvent, messageOf, silentLog } from 'millrace/core'
import { pacedMap } from 'millrace/streams'
import { EMPTY, map, merge, mergeMap, NEVER, of, Subject, take, tap, throwError, timer } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { record } from '../support/recording.js'
import { thrownBy } from '../support/thrown-by.js'
import { virtualCluster } from '../support/virtual-cluster.js'

const OrderPlaced = topic<string>('orders.placed')
const Billing = contract('billing', {})
const Clock = contract('clock', { now: unary<void, number>() })

function billing(...topics: readonly TopicHandler[]) {
  return actor(Billing, {}, ...topics)
}

/** A cluster with a broker, and services on it that write a log. */
function shop() {
  const cluster = virtualCluster()
  const { runtime, advance } = cluster
  const broker = memoryBroker({ runtime, log: silentLog, backoffMs: [10] })
  const log: LogEvent[] = []
  const dead = record(broker.deadLetters.added$)
  const serve = (
    topics: readonly TopicHandler[],
    options: { readonly drainMs?: number; readonly name?: string } = {},
  ) => {
    const stop = new Subject<void>()
    const statuses = cluster.serve(
      { actors: [billing(...topics)], broker, log: event => log.push(event), ...options },
      stop,
    )
    return { statuses, stop: () => stop.next() }
  }
  const publish = (...bodies: readonly string[]) => {
    for (const body of bodies) broker.publish('orders.placed', messageOf(body)).subscribe()
    advance(0)
  }
  return { broker, log, dead, runtime, advance, serve, publish }
}

/** A handler that writes what it gets to `seen`. */
function seeing(seen: string[], options?: { readonly queue?: string | false }): TopicHandler {
  return on(OrderPlaced, order$ => order$.pipe(tap(order => seen.push(order))), options)
}

function states({ values }: { readonly values: readonly { readonly state: string }[] }): readonly string[] {
  return values.map(({ state }) => state)
}

function events(log: readonly LogEvent[]): readonly string[] {
  return log.map(({ event }) => event)
}

describe('createService', () => {
  it('gives actors what is published to their topics', () => {
    const { serve, publish } = shop()
    const seen: string[] = []
    serve([seeing(seen)])

    publish('a', 'b')

    expect(seen).toEqual(['a', 'b'])
  })

  it('subscribes to topics once it listens, before it registers', () => {
    const { serve, broker, advance } = shop()
    const seen: string[] = []
    const handler = on(OrderPlaced, order$ => merge(of('subscribed'), order$).pipe(tap(text => seen.push(text))))
    const { statuses } = serve([handler])

    expect(states(statuses)).toEqual(['starting', 'listening', 'registered'])
    record(broker.publish('orders.placed', messageOf('a')))
    advance(0)

    expect(seen).toEqual(['subscribed', 'a'])
  })

  it('shares messages among the instances of a service', () => {
    const { serve, publish } = shop()
    const [first, second]: [string[], string[]] = [[], []]
    serve([seeing(first)])
    serve([seeing(second)])

    publish('a', 'b', 'c', 'd')

    expect([first, second]).toEqual([
      ['a', 'c'],
      ['b', 'd'],
    ])
  })

  it('gives every service all messages', () => {
    const { serve, publish } = shop()
    const [first, second]: [string[], string[]] = [[], []]
    serve([seeing(first)])
    serve([seeing(second)], { name: 'audit' })

    publish('a', 'b')

    expect([first, second]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ])
  })

  it('gives every instance all messages without a queue', () => {
    const { serve, publish } = shop()
    const [first, second]: [string[], string[]] = [[], []]
    serve([seeing(first, { queue: false })])
    serve([seeing(second, { queue: false })])

    publish('a', 'b')

    expect([first, second]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ])
  })

  it('tells handlers their service and lets them publish', () => {
    const { serve, publish, broker, advance, runtime } = shop()
    const Billed = topic<string>('orders.billed')
    const billed = record(broker.subscribe('orders.billed').pipe(map(({ message }) => message.body)))
    const handler = on(OrderPlaced, (order$, context) => {
      expect(context.runtime).toBe(runtime)
      return order$.pipe(pacedMap(order => context.bus.publish(Billed, `${order} by ${context.service}`)))
    })
    serve([handler])

    publish('a')
    advance(0)

    expect(billed.values).toEqual(['a by billing'])
  })

  it('gives handlers of events what is known of each', () => {
    const { serve, publish, advance } = shop()
    const seen: unknown[] = []
    const settle = onEvents(
      OrderPlaced,
      tap(event => {
        seen.push([event.value, event.attempt])
        if (event.attempt === 1) event.nak(5)
        else event.ack()
      }),
      { ack: 'manual' },
    )
    serve([settle])

    publish('a')
    advance(100)

    expect(seen).toEqual([
      ['a', 1],
      ['a', 2],
    ])
  })

  it('goes on when a message fails, and logs why', () => {
    const { serve, publish, advance, log, dead } = shop()
    const billed: string[] = []
    const bill = (order: string) =>
      order === 'bad' ? throwError(() => new Error('no such customer')) : of(order).pipe(tap(id => billed.push(id)))
    serve([on(OrderPlaced, pacedMap(bill))])

    publish('bad', 'good')
    advance(1000)

    expect(billed).toEqual(['good'])
    expect(dead.values).toMatchObject([{ attempts: 5, queue: 'billing' }])
    expect(log).toHaveLength(5)
    expect(log[0]).toMatchObject({ level: 'warn', event: 'topic.not_processed' })
    expect(log[0]?.message).toContain('attempt 1: [UNKNOWN] no such customer')
  })

  it('subscribes again, later each time, when a handler fails', () => {
    const { serve, publish, advance, log, runtime } = shop()
    const seen: unknown[] = []
    const handler = on(OrderPlaced, order$ =>
      order$.pipe(
        map(order => {
          seen.push([order, runtime.scheduler.now()])
          throw new Error('a defect')
        }),
      ),
    )
    serve([handler])

    for (let n = 0; n < 20; n++) {
      publish('a')
      advance(20)
    }

    expect(log.slice(0, 2)).toMatchObject([
      {
        level: 'error',
        event: 'topic.failed',
        message: expect.stringContaining('again in 100 ms: [UNKNOWN] a defect'),
      },
      { level: 'error', event: 'topic.failed', message: expect.stringContaining('again in 200 ms') },
    ])
  })

  it('subscribes again when the broker fails', () => {
    const { serve, advance, broker, log } = shop()
    const { subscribe } = broker
    let tries = 0
    broker.subscribe = (...given) =>
      tries++ < 2 ? throwError(() => new Error('no server')) : subscribe.apply(broker, given)

    serve([seeing([])])
    advance(1000)

    expect([tries, events(log)]).toEqual([3, ['topic.failed', 'topic.failed']])
  })

  it('leaves a topic whose handler completes, and logs it', () => {
    const { serve, publish, log } = shop()
    const seen: string[] = []
    serve([
      on(OrderPlaced, order$ =>
        order$.pipe(
          take(1),
          tap(order => seen.push(order)),
        ),
      ),
    ])

    publish('a', 'b')

    expect([seen, events(log)]).toEqual([['a'], ['topic.ended']])
  })

  it('finishes the messages in hand when it stops', () => {
    const { serve, publish, advance, log, dead, runtime } = shop()
    const billed: string[] = []
    const bill = (order: string) => timer(3000, runtime.scheduler).pipe(tap(() => billed.push(order)))
    const { statuses, stop } = serve([on(OrderPlaced, pacedMap(bill, { concurrency: 1, runtime }))])
    publish('a', 'b')

    stop()
    publish('late')
    advance(5000)
    expect(states(statuses)).not.toContain('stopped')
    advance(2000)

    expect(billed).toEqual(['a', 'b'])
    expect(statuses.values.at(-1)).toEqual({ state: 'stopped', aborted: false })
    expect(dead.values.map(({ message }) => message.body)).toEqual(['late']) // nobody else is there to take it
    expect(log).toEqual([])
  })

  it('gives what it cannot finish in time to others', () => {
    const { serve, publish, advance, runtime } = shop()
    const { statuses, stop } = serve(
      [
        on(
          OrderPlaced,
          pacedMap(() => NEVER, { runtime }),
        ),
      ],
      { drainMs: 100 },
    )
    publish('a')
    const seen: string[] = []
    serve([seeing(seen)])

    stop()
    advance(200)

    expect(statuses.values.at(-1)).toEqual({ state: 'stopped', aborted: true })
    expect(seen).toEqual(['a'])
  })

  it('gives everything back when its run is unsubscribed', () => {
    const { serve, publish, advance, runtime } = shop()
    const { statuses } = serve([
      on(
        OrderPlaced,
        pacedMap(() => NEVER, { runtime }),
      ),
    ])
    publish('a')
    const seen: string[] = []
    serve([seeing(seen)])

    statuses.subscription.unsubscribe()
    advance(200)

    expect(seen).toEqual(['a'])
  })

  it('stops while a handler waits to be subscribed again', () => {
    const { serve, publish, advance, log } = shop()
    const { statuses, stop } = serve([
      on(
        OrderPlaced,
        mergeMap(() => throwError(() => 'no')),
      ),
    ])
    publish('a')

    stop()
    advance(50)

    expect(statuses.values.at(-1)).toEqual({ state: 'stopped', aborted: false })
    expect(events(log)).toEqual(['topic.failed'])
  })

  it('needs a broker for actors with topics', () => {
    const { protocol, registry } = virtualCluster()
    const make = () => createService({ actors: [billing(seeing([]))], protocol, registry })

    expect(thrownBy(make)).toMatchObject({
      reason: 'invalid_options',
      details: ['broker: expected one for orders.placed'],
    })
  })

  it('refuses two handlers that would share their messages', () => {
    const { protocol, registry, runtime } = virtualCluster()
    const clock = actor(
      Clock,
      { now: () => 1 },
      on(OrderPlaced, () => EMPTY),
    )
    const options = { protocol, registry, broker: memoryBroker({ runtime }) }
    const make = (name?: string) =>
      createService({ ...options, actors: [billing(seeing([])), clock], ...(name && { name }) })

    expect(make()).toBeDefined()
    expect(thrownBy(() => make('office')).message).toContain('two handlers of orders.placed in the queue office')
  })
})
