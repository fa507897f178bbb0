import { eventBus, topic, type StandardSchema } from 'millrace/actors'
import { memoryBroker, type DeadLetter } from 'millrace/broker'
import { messageOf, seededRuntime, silentLog, type LogEvent } from 'millrace/core'
import { pacedMap } from 'millrace/streams'
import { of, tap, throwError, VirtualTimeScheduler } from 'rxjs'
import { describe, expect, it, vi } from 'vitest'
import * as z from 'zod'
import { record } from '../support/recording.js'

const Order = z.object({ id: z.string(), cents: z.number().int().default(0) })
const OrderPlaced = topic('orders.placed', Order, { key: order => order.id })
const Wrong = topic('orders.placed')

/** A bus in virtual time, and what has become of its messages. */
function typedBus() {
  const scheduler = new VirtualTimeScheduler()
  const runtime = seededRuntime({ scheduler, seed: 1 })
  const broker = memoryBroker({ runtime, log: silentLog })
  const log: LogEvent[] = []
  const dead = record(broker.deadLetters.added$)
  const typed = eventBus(broker, { runtime, log: event => log.push(event) })
  return { broker, bus: typed, dead, log, flush: () => scheduler.flush() }
}

/** A schema that answers later. */
function later<T extends StandardSchema>(schema: T): T {
  const { validate } = schema['~standard']
  return { '~standard': { ...schema['~standard'], validate: async (value: unknown) => validate(value) } } as T
}

function reasons({ values }: { readonly values: readonly DeadLetter[] }): readonly unknown[] {
  return values.map(({ message, error }) => [message.body, error.code, error.reason])
}

describe('eventBus', () => {
  it('gives what was published as the schema changes it', () => {
    const { bus, flush } = typedBus()
    const orders = record(bus.subscribe(OrderPlaced))

    const receipts = record(bus.publish(OrderPlaced, { id: 'a' }))
    flush()

    expect(orders.values).toEqual([{ id: 'a', cents: 0 }])
    expect(receipts).toMatchObject({ values: [{ topic: 'orders.placed' }], completed: true })
  })

  it('publishes when subscribed, not before', () => {
    const { bus, flush } = typedBus()
    const orders = record(bus.subscribe(OrderPlaced))

    const receipt$ = bus.publish(OrderPlaced, { id: 'a' })
    flush()

    expect(orders.values).toEqual([])
    record(receipt$)
    flush()
    expect(orders.values).toHaveLength(1)
  })

  it('gives events with all that is known of them', () => {
    const { bus, flush } = typedBus()
    const events = record(bus.events(OrderPlaced))

    const receipts = record(bus.publish(OrderPlaced, { id: 'a' }, { header: { Tenant: 'eu', none: undefined } }))
    flush()

    expect(events.values).toMatchObject([
      { value: { id: 'a', cents: 0 }, topic: 'orders.placed', attempt: 1, publishedAt: 0, key: 'a' },
    ])
    expect(events.values[0]).toMatchObject({ header: { tenant: 'eu' }, id: receipts.values[0]?.id })
  })

  it("prefers a given key to the topic's own", () => {
    const { bus, flush } = typedBus()
    const events = record(bus.events(OrderPlaced))

    record(bus.publish(OrderPlaced, { id: 'a' }, { key: 'other', id: 'message' }))
    flush()

    expect(events.values).toMatchObject([{ key: 'other', id: 'message' }])
  })

  it('subscribes to all topics of a pattern', () => {
    const { bus, flush } = typedBus()
    const events = record(bus.events(topic('orders.*', Order)))

    record(bus.publish(OrderPlaced, { id: 'a' }))
    record(bus.publish(topic('orders.paid', Order), { id: 'b' }))
    flush()

    expect(events.values.map(event => [event.topic, event.value.id])).toEqual([
      ['orders.placed', 'a'],
      ['orders.paid', 'b'],
    ])
  })

  it('refuses to publish to a pattern', () => {
    const { bus } = typedBus()

    const { error } = record(bus.publish(topic('orders.*') as never, {}))

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_topic' })
  })

  it('fails to publish when the key function throws', () => {
    const failing = topic('orders.placed', Order, {
      key: () => {
        throw new TypeError('no id')
      },
    })

    expect(record(typedBus().bus.publish(failing, { id: 'a' })).error).toMatchObject({ message: 'no id' })
  })

  it('buries a refused value and goes on', () => {
    const { bus, dead, flush } = typedBus()
    const orders = record(bus.subscribe(OrderPlaced))

    record(bus.publish(Wrong, { id: 1 }))
    record(bus.publish(OrderPlaced, { id: 'a' }))
    flush()

    expect(orders.values).toEqual([{ id: 'a', cents: 0 }])
    expect(reasons(dead)).toEqual([[{ id: 1 }, 'INVALID_ARGUMENT', 'unprocessable']])
    expect(dead.values[0]).toMatchObject({ attempts: 1, error: { details: { issues: [{ path: 'id' }] } } })
  })

  it('rejects a refused value by hand under manual acknowledgement', () => {
    const { bus, dead, flush } = typedBus()
    const events = record(bus.events(OrderPlaced, { ack: 'manual' }).pipe(tap(event => event.ack())))

    record(bus.publish(Wrong, 'no order'))
    record(bus.publish(OrderPlaced, { id: 'a' }))
    flush()

    expect(events.values).toHaveLength(1)
    expect(reasons(dead)).toEqual([['no order', 'INVALID_ARGUMENT', 'unprocessable']])
  })

  it('logs a refused value where nothing is acknowledged', () => {
    const { bus, dead, log, flush } = typedBus()
    const orders = record(bus.subscribe(OrderPlaced, { ack: 'none' }))

    record(bus.publish(Wrong, 'no order'))
    record(bus.publish(OrderPlaced, { id: 'a' }))
    flush()

    expect([orders.values.length, dead.values.length]).toEqual([1, 0])
    expect(log).toMatchObject([{ level: 'warn', event: 'topic.refused' }])
  })

  it('delivers again when a schema throws instead of refusing', () => {
    const { bus, dead, flush } = typedBus()
    const validate = vi
      .fn(() => ({ value: 'fine' }))
      .mockImplementationOnce(() => {
        throw new Error('no database')
      })
    const flaky: StandardSchema<unknown, string> = { '~standard': { version: 1, vendor: 'test', validate } }
    const events = record(bus.events(topic('orders.placed', flaky)))

    record(bus.publish(OrderPlaced, { id: 'a' }))
    flush()

    expect(events.values).toMatchObject([{ value: 'fine', attempt: 2 }])
    expect(dead.values).toEqual([])
  })

  it.each(['consumed', 'manual', 'none'] as const)('keeps order behind an asynchronous schema: %s', async ack => {
    const { bus, dead, flush } = typedBus()
    const events = record(bus.events(topic('orders.placed', later(Order)), { ack }))

    for (const body of [{ id: 'a' }, 'no order', { id: 'b' }]) record(bus.publish(Wrong, body))
    flush()
    await vi.waitFor(() => expect(events.values).toHaveLength(2))

    expect(events.values.map(event => event.value.id)).toEqual(['a', 'b'])
    expect(dead.values).toHaveLength(ack === 'none' ? 0 : 1)
    expect(events.error).toBeUndefined()
  })

  it('acknowledges a value when the work for it is done', () => {
    const { bus, dead, flush } = typedBus()
    const work = vi.fn((order: { readonly id: string }) => (order.id === 'bad' ? throwError(() => 'no') : of(order)))
    const done = record(bus.subscribe(OrderPlaced).pipe(pacedMap(work)))

    record(bus.publish(OrderPlaced, { id: 'bad' }))
    record(bus.publish(OrderPlaced, { id: 'good' }))
    flush()

    expect(done).toMatchObject({ values: [{ id: 'good' }], error: undefined })
    expect(dead.values).toMatchObject([{ message: { body: { id: 'bad' } }, attempts: 5 }])
  })

  it('refuses manual acknowledgement of plain values', () => {
    const { error } = record(typedBus().bus.subscribe(OrderPlaced, { ack: 'manual' } as never))

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_options' })
  })

  it('publishes and subscribes what is not checked', () => {
    const { broker, bus, flush } = typedBus()
    const texts = record(bus.subscribe(topic<string>('texts')))

    record(broker.publish('texts', messageOf('hello')))
    flush()

    expect(texts.values).toEqual(['hello'])
  })
})
