import {
  type Broker,
  type DeadLetter,
  type Event,
  memoryBroker,
  type MemoryBrokerOptions,
  type Receipt,
  type From,
  unprocessable,
} from 'millrace/broker'
import { type LogEvent, messageOf, type RpcError, seededRuntime } from 'millrace/core'
import { hold, pacedMap, type Release } from 'millrace/streams'
import { EMPTY, retry, type Subscription, take, tap, throwError, VirtualTimeScheduler } from 'rxjs'
import { describe, expect, it } from 'vitest'

/** A broker in virtual time, and what it has logged. */
function memory(options: MemoryBrokerOptions = {}) {
  const scheduler = new VirtualTimeScheduler()
  const log: LogEvent[] = []
  const runtime = seededRuntime({ scheduler, seed: 1 })
  const broker = memoryBroker({ runtime, log: event => log.push(event), ...options })
  const at = (ms: number, work: () => void) => void scheduler.schedule(work, ms)
  return { broker, runtime, log, at, flush: () => scheduler.flush() }
}

/** Publishes bodies in one turn and gives the errors. */
function publish(broker: Broker, topic: string, ...bodies: readonly unknown[]): readonly RpcError[] {
  const errors: RpcError[] = []
  for (const body of bodies) broker.publish(topic, messageOf(body)).subscribe({ error: error => errors.push(error) })
  return errors
}

/** The bodies and attempts of what passes. */
function record(into: string[]) {
  return tap<Event>(({ message, attempt }) => void into.push(`${String(message.body)}/${attempt}`))
}

describe('memoryBroker', () => {
  it('names every wrong option', () => {
    const options = {
      maxPending: 0,
      maxDeliver: 1.5,
      backoffMs: [],
      keepGroupMs: NaN,
      keep: -1,
      log: 'no',
      runtime: {},
    }

    const make = () => memoryBroker(options as unknown as MemoryBrokerOptions)

    for (const name of Object.keys(options)) expect(make).toThrow(name)
  })

  it('refuses to publish when a queue is full', () => {
    const { broker, flush } = memory({ maxPending: 2 })
    const stuck: (Release | undefined)[] = []
    broker.subscribe('t', { window: 1 }).subscribe(() => stuck.push(hold()))
    publish(broker, 't', 1)
    flush()

    const errors = publish(broker, 't', 2, 3, 4)

    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      reason: 'queue_full',
      rawMessage: 'publish to t: 2 messages wait for a subscriber of t, at most 2 may',
      retry: { safe: true },
    })
  })

  it('gives a refused message to no group', () => {
    const { broker, flush } = memory({ maxPending: 1 })
    const seen: string[] = []
    broker.subscribe('>').pipe(record(seen)).subscribe()
    broker.subscribe('t', { window: 1 }).subscribe(() => hold())
    publish(broker, 't', 1)
    flush()

    publish(broker, 't', 2)
    flush()
    publish(broker, 't', 'refused')
    flush()

    expect(seen).toEqual(['1/1', '2/1'])
  })

  it('delivers what waited when there is room again', () => {
    const { broker, flush } = memory()
    const seen: string[] = []
    const stuck: (Release | undefined)[] = []
    broker
      .subscribe('t', { window: 1 })
      .pipe(record(seen))
      .subscribe(() => stuck.push(hold()))
    publish(broker, 't', 1, 2, 3)

    flush()
    while (stuck.length > 0) {
      stuck.shift()?.()
      flush()
    }

    expect(seen).toEqual(['1/1', '2/1', '3/1'])
  })

  it('passes over members without room', () => {
    const { broker, flush } = memory()
    const [slow, quick]: [string[], string[]] = [[], []]
    broker
      .subscribe('t', { queue: 'q', window: 1 })
      .pipe(record(slow))
      .subscribe(() => hold())
    broker.subscribe('t', { queue: 'q', window: 1 }).pipe(record(quick)).subscribe()

    publish(broker, 't', 1, 2, 3, 4, 5)
    flush()

    expect([slow.length, quick.length]).toEqual([1, 4])
  })

  it('drops a message after maxDeliver attempts and says so', () => {
    const { broker, flush, log } = memory({ maxDeliver: 3 })
    const seen: string[] = []
    broker
      .subscribe('t')
      .pipe(record(seen))
      .subscribe(() => hold()?.(new Error('no disk')))

    publish(broker, 't', 'poison')
    flush()

    expect(seen).toEqual(['poison/1', 'poison/2', 'poison/3'])
    expect(log).toEqual([
      expect.objectContaining({
        event: 'broker.dead_letter',
        message: expect.stringContaining('deliveries to a subscriber of t: 3, cause: [UNKNOWN] no disk'),
      }),
    ])
  })

  it('goes on after a message was dropped', () => {
    const { broker, flush } = memory({ maxDeliver: 1 })
    const seen: string[] = []
    broker
      .subscribe('t', { window: 1 })
      .pipe(record(seen))
      .subscribe(() => hold()?.(new Error('no disk')))

    publish(broker, 't', 1, 2, 3)
    flush()

    expect(seen).toEqual(['1/1', '2/1', '3/1'])
  })

  it('loses nothing when its only member fails and retries', () => {
    const { broker, runtime, flush, log } = memory()
    const done: unknown[] = []
    let failures = 0
    const work = pacedMap(
      ({ message }: Event) => {
        if (message.body === 2 && failures++ === 0) return throwError(() => new Error('lost the database'))
        done.push(message.body)
        return EMPTY
      },
      { runtime, concurrency: 1 },
    )
    broker.subscribe('t', { queue: 'q' }).pipe(work, retry()).subscribe()

    publish(broker, 't', 1, 2, 3, 4)
    flush()

    expect(new Set(done)).toEqual(new Set([1, 2, 3, 4]))
    expect(log).toEqual([])
  })

  it('makes dead letters of what an abandoned queue leaves', () => {
    const { broker, flush } = memory({ keepGroupMs: 500 })
    const letters: DeadLetter[] = []
    const member = broker.subscribe('t', { queue: 'q', window: 1 }).subscribe(() => hold())
    publish(broker, 't', 1, 2, 3)
    flush()

    member.unsubscribe()
    flush()
    broker.deadLetters.list().subscribe(letter => letters.push(letter))

    expect(letters.map(({ message, attempts, error }) => [message.body, attempts, error.reason])).toEqual([
      [2, 0, 'no_members'],
      [3, 0, 'no_members'],
    ])
    expect(publish(broker, 't', 4)).toEqual([])
  })

  it('keeps the newest dead letters and names those it drops', () => {
    const { broker, flush, log } = memory({ maxDeliver: 1, maxDeadLetters: 2 })
    const letters: unknown[] = []
    broker.subscribe('t').subscribe(() => hold()?.(new Error('no disk')))

    publish(broker, 't', 1, 2, 3)
    flush()
    broker.deadLetters.list().subscribe(({ message }) => letters.push(message.body))

    expect(letters).toEqual([2, 3])
    expect(log.filter(({ event }) => event === 'broker.dead_letter_dropped')).toHaveLength(1)
  })

  it('drops in silence what a plain subscriber leaves behind', () => {
    const { broker, flush, log } = memory()
    broker.subscribe('t').pipe(take(1)).subscribe()

    publish(broker, 't', 1, 2, 3)
    flush()

    expect(log).toEqual([])
  })

  it('shares no message with a subscriber that comes later', () => {
    const { broker, flush } = memory()
    const seen: string[] = []

    publish(broker, 't', 'early')
    broker.subscribe('t').pipe(record(seen)).subscribe()
    flush()

    expect(seen).toEqual([])
  })

  it('delivers at most 256 messages a turn', () => {
    const { runtime, flush } = memory()
    const perTurn: number[] = []
    const counting = { ...runtime, macrotask: (task: () => void) => runtime.macrotask(() => turn(task)) }
    const turn = (task: () => void) => {
      perTurn.push(0)
      task()
    }
    const busy = memoryBroker({ runtime: counting })
    busy.subscribe('t').subscribe(() => perTurn.push((perTurn.pop() ?? 0) + 1))

    publish(busy, 't', ...Array.from({ length: 1000 }, (_, index) => index))
    flush()

    expect(perTurn.filter(count => count > 0)).toEqual([256, 256, 256, 232])
  })

  it('bears members that come and go inside next', () => {
    const { broker, flush } = memory()
    const seen: string[] = []
    const members: Subscription[] = []
    const join = (): void => {
      const member = broker.subscribe('t', { queue: 'q' }).subscribe(event => {
        seen.push(String(event.message.body))
        join()
        member.unsubscribe() // inside next: not acknowledged
      })
      members.push(member)
    }
    join()

    publish(broker, 't', 1, 2)
    flush()

    expect(seen.toSorted()).toEqual(['1', '1', '1', '1', '1', '2', '2', '2', '2', '2'])
  })

  it.each([-1, NaN, Infinity, 2 ** 31])('refuses a nak after %d ms', delayMs => {
    const { broker, flush } = memory()
    const events: Event[] = []
    broker.subscribe('t', { ack: 'manual' }).subscribe(event => events.push(event))
    publish(broker, 't', 1)
    flush()

    expect(() => events[0]?.nak(delayMs)).toThrow(expect.objectContaining({ reason: 'invalid_delay' }))
  })

  it('dates and names events as its runtime does', () => {
    const [first, second] = [memory(), memory()].map(({ broker, flush }) => {
      const seen: unknown[] = []
      broker.subscribe('t').subscribe(({ id, publishedAt }) => seen.push({ id, publishedAt }))
      publish(broker, 't', 1, 2)
      flush()
      return seen
    })

    expect(first).toHaveLength(2)
    expect(first).toEqual(second)
  })

  it.each<readonly [From, readonly number[]]>([
    ['new', []],
    ['all', [2, 3, 4]],
    [{ last: 2 }, [3, 4]],
    [{ sequence: 4 }, [4]],
    [{ time: 20 }, [3, 4]],
  ])('begins with what is kept from %j', (from, expected) => {
    const { broker, at, flush } = memory({ keep: 3 })
    const seen: string[] = []
    for (const body of [1, 2, 3, 4]) at((body - 1) * 10, () => publish(broker, 't', body))
    at(40, () => void broker.subscribe('t', { from }).pipe(record(seen)).subscribe())

    at(50, () => publish(broker, 't', 'new'))
    flush()

    expect(seen).toEqual([...expected, 'new'].map(body => `${body}/1`))
  })

  it('keeps messages of every topic, bounded in all', () => {
    const { broker, flush } = memory({ keep: 2, maxKept: 3 })
    const seen: string[] = []
    for (const name of ['a', 'b', 'b', 'b', 'c']) publish(broker, name, name)

    broker.subscribe('>', { from: 'all' }).pipe(record(seen)).subscribe()
    broker.subscribe('c', { from: 'all' }).pipe(record(seen)).subscribe()
    flush()

    expect(seen).toEqual(['b/1', 'b/1', 'c/1', 'c/1'])
  })

  it('replays more than may wait', () => {
    const { broker, flush } = memory({ keep: 10, maxPending: 2 })
    const seen: string[] = []
    publish(broker, 't', 1, 2, 3, 4)
    broker.subscribe('t', { from: 'all' }).pipe(record(seen)).subscribe()

    const errors = publish(broker, 't', 5)
    flush()

    expect(errors).toEqual([])
    expect(seen).toEqual(['1/1', '2/1', '3/1', '4/1', '5/1'])
  })

  it('refuses to replay when it keeps nothing', () => {
    const { broker } = memory()
    const errors: RpcError[] = []

    broker.subscribe('t', { from: 'all' }).subscribe({ error: error => errors.push(error) })

    expect(errors).toMatchObject([{ code: 'FAILED_PRECONDITION', reason: 'no_replay' }])
  })

  it('knows an id until deduplicateMs have passed', () => {
    const { broker, at, flush } = memory({ deduplicateMs: 10, keep: 1 })
    const seen: string[] = []
    const receipts: Receipt[] = []
    broker.subscribe('t').pipe(record(seen)).subscribe()
    const offer = (body: string) => () =>
      void broker.publish('t', messageOf(body), { id: 'order-7' }).subscribe(receipt => receipts.push(receipt))

    at(0, offer('first'))
    at(9, offer('second'))
    at(10, offer('third'))
    flush()

    expect(seen).toEqual(['first/1', 'third/1'])
    expect(receipts).toEqual([
      { topic: 't', id: 'order-7', sequence: 1 },
      { topic: 't', id: 'order-7', sequence: 1, duplicate: true },
      { topic: 't', id: 'order-7', sequence: 2 },
    ])
  })

  it('forgets the oldest id that there is no room for', () => {
    const { broker, flush } = memory({ maxIds: 2 })
    const seen: string[] = []
    broker.subscribe('t').pipe(record(seen)).subscribe()

    for (const id of ['a', 'b', 'c', 'a', 'c']) broker.publish('t', messageOf(id), { id }).subscribe()
    flush()

    expect(seen).toEqual(['a/1', 'b/1', 'c/1', 'a/1'])
  })

  it('takes what was refused a second time', () => {
    const { broker, flush } = memory({ maxPending: 1 })
    const seen: string[] = []
    broker.subscribe('t').pipe(record(seen)).subscribe()
    publish(broker, 't', 'other')
    const offer = () => broker.publish('t', messageOf('work'), { id: 'order-7' })
    offer().subscribe({ error: () => {} })
    flush()

    offer().subscribe()
    flush()

    expect(seen).toEqual(['other/1', 'work/1'])
  })

  it.each([
    ['dropOldest', ['1/1', '4/1', '5/1'], ['broker.overflow', 'broker.overflow']],
    ['dropNewest', ['1/1', '2/1', '3/1'], ['broker.overflow', 'broker.overflow']],
    ['latest', ['1/1', '5/1'], ['broker.overflow', 'broker.overflow', 'broker.overflow']],
  ] as const)('loses by %s what there is no room for', (overflow, expected, events) => {
    const { broker, flush, log } = memory({ maxPending: 2 })
    const seen: string[] = []
    const stuck: (Release | undefined)[] = []
    broker
      .subscribe('t', { window: 1, overflow })
      .pipe(record(seen))
      .subscribe(() => stuck.push(hold()))
    publish(broker, 't', 1)
    flush()

    const errors = publish(broker, 't', 2, 3, 4, 5)
    while (stuck.length > 0) {
      stuck.shift()?.()
      flush()
    }

    expect(errors).toEqual([])
    expect(seen).toEqual(expected)
    expect(log.map(({ event }) => event)).toEqual(events)
  })

  it('ends a group that is to fail on overflow', () => {
    const { broker, flush } = memory({ maxPending: 1 })
    const errors: RpcError[] = []
    const letters: DeadLetter[] = []
    broker
      .subscribe('t', { queue: 'q', window: 1, overflow: 'error' })
      .subscribe({ next: () => void hold(), error: error => errors.push(error) })
    publish(broker, 't', 1)
    flush()

    const refused = publish(broker, 't', 2, 3)
    const before = errors.length
    flush()
    broker.deadLetters.list().subscribe(letter => letters.push(letter))

    expect([refused, before]).toEqual([[], 0])
    expect(errors).toMatchObject([{ code: 'RESOURCE_EXHAUSTED', reason: 'overflow' }])
    expect(letters.map(({ message, error }) => [message.body, error.reason])).toEqual([
      [2, 'overflow'],
      [3, 'overflow'],
    ])
  })

  it('refuses a member with other settings and names them', () => {
    const { broker } = memory()
    const errors: RpcError[] = []
    broker.subscribe('t', { queue: 'q', ordered: true }).subscribe()

    broker.subscribe('t', { queue: 'q', overflow: 'latest' }).subscribe({ error: error => errors.push(error) })

    expect(errors).toMatchObject([{ code: 'FAILED_PRECONDITION', reason: 'settings_differ' }])
    expect(errors[0]?.message).toContain('ordered is true there, false here')
    expect(errors[0]?.message).toContain('overflow is undefined there, latest here')
  })

  it('gives up what waits behind a key with its group', () => {
    const { broker, flush } = memory({ keepGroupMs: 0 })
    const letters: DeadLetter[] = []
    const member = broker.subscribe('t', { queue: 'q', ordered: true }).subscribe(() => void hold())
    for (const body of [1, 2]) broker.publish('t', messageOf(body), { key: 'k' }).subscribe()
    flush()

    member.unsubscribe()
    flush()
    broker.deadLetters.list().subscribe(letter => letters.push(letter))

    expect(letters.map(({ message, attempts }) => [message.body, attempts])).toEqual([[2, 0]])
  })

  it('keeps a letter when its group has no room', () => {
    const { broker, flush } = memory({ maxPending: 1, maxDeliver: 1 })
    const letters: DeadLetter[] = []
    broker.subscribe('t', { window: 1 }).subscribe(({ message }) => {
      const release = hold()
      if (message.body === 'poison') release?.(new Error('no disk'))
    })
    publish(broker, 't', 'poison')
    flush()
    publish(broker, 't', 1)
    flush()
    publish(broker, 't', 2)

    broker.deadLetters.replay().subscribe(() => expect.unreachable())
    broker.deadLetters.list().subscribe(letter => letters.push(letter))

    expect(letters).toHaveLength(1)
  })

  it('replays a dead letter to a single subscriber', () => {
    const { broker, flush } = memory()
    const seen: string[] = []
    broker
      .subscribe('t')
      .pipe(record(seen))
      .subscribe(() => hold()?.(unprocessable('no lines')))
    broker.subscribe('t').subscribe()
    publish(broker, 't', 1)
    flush()

    broker.deadLetters.replay().subscribe()
    flush()

    expect(seen).toEqual(['1/1', '1/1'])
  })

  it('replays no more letters than are taken', () => {
    const { broker, flush } = memory()
    const left: unknown[] = []
    broker.subscribe('t').subscribe(() => hold()?.(unprocessable('no lines')))
    publish(broker, 't', 1, 2, 3)
    flush()

    broker.deadLetters.replay().pipe(take(1)).subscribe()
    broker.deadLetters.list().subscribe(({ message }) => left.push(message.body))

    expect(left).toEqual([2, 3])
  })

  it('lists no letter that has gone meanwhile', () => {
    const { broker, flush } = memory()
    const listed: unknown[] = []
    broker.subscribe('t').subscribe(() => hold()?.(unprocessable('no lines')))
    publish(broker, 't', 1, 2, 3)
    flush()

    broker.deadLetters.list().subscribe(({ message }) => {
      listed.push(message.body)
      broker.deadLetters.drop().subscribe()
    })

    expect(listed).toEqual([1])
  })

  it('takes what nobody acknowledges for done at once', () => {
    const { broker, flush } = memory()
    const seen: string[] = []
    const options = { queue: 'q', ack: 'none' } as const
    broker.subscribe('t', options).pipe(take(1)).subscribe()
    broker.subscribe('t', options).pipe(record(seen)).subscribe()

    publish(broker, 't', 1)
    flush()

    expect(seen).toEqual([])
  })

  it('knows only ids that publishers gave', () => {
    const { broker, flush } = memory({ maxIds: 1 })
    const seen: string[] = []
    broker.subscribe('t').pipe(record(seen)).subscribe()
    const offer = () => broker.publish('t', messageOf('work'), { id: 'order-7' }).subscribe()

    offer()
    publish(broker, 't', 'other')
    offer()
    flush()

    expect(seen).toEqual(['work/1', 'other/1'])
  })

  it('loses nothing by latest while there is room', () => {
    const { broker, flush } = memory()
    const seen: string[] = []
    broker.subscribe('t', { overflow: 'latest' }).pipe(record(seen)).subscribe()

    publish(broker, 't', 1, 2, 3)
    flush()

    expect(seen).toEqual(['1/1', '2/1', '3/1'])
  })

  it('keeps no queue for what it has lost', () => {
    const { broker, flush } = memory({ maxPending: 1 })
    const seen: string[] = []
    const options = { queue: 'q', overflow: 'dropOldest' } as const
    const member = broker.subscribe('t', options).subscribe()
    publish(broker, 't', 1, 2)
    flush()

    member.unsubscribe()
    publish(broker, 't', 'nobody is there')
    broker.subscribe('t', options).pipe(record(seen)).subscribe()
    flush()

    expect(seen).toEqual([])
  })
})
