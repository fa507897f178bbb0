import assert from 'node:assert/strict'
import { lastValueFrom, tap, toArray } from 'rxjs'
import { unprocessable, type DeadLetter, type DeadLetterFilter, type Event } from '../../../broker/index.js'
import { hold } from '../../../streams/index.js'
import { foreignError } from '../foreign-error.js'
import { record } from '../recording.js'
import { overBroker, type BrokerBench, type BrokerCheck } from './broker-check.js'

/** What becomes of messages that cannot be processed. */
export const deadLetters: readonly BrokerCheck[] = [
  overBroker('makes a dead letter of what is unprocessable at once', async bench => {
    const { word, listen, publish, until } = bench
    const listener = await listen(word, { queue: 'q' }, failing('poison', unprocessable('no lines')))

    const [receipt] = await publish(word, 'poison')
    await publish(word, 'fine')

    await until(() => listener.bodies.includes('fine'))
    const letters = await listed(bench, 1)
    assert.equal(letters.length, 1)
    const { messageId, topic, queue, message, attempts, error } = letters[0] as DeadLetter
    assert.deepEqual([messageId, topic, queue, message.body], [receipt?.id, word, 'q', 'poison'])
    assert.deepEqual([attempts, error.code, error.reason], [1, 'INVALID_ARGUMENT', 'unprocessable'])
    assert.deepEqual(listener.bodies, ['poison', 'fine'])
  }),

  overBroker(
    'makes a dead letter of what is rejected by hand',
    async bench => {
      const { word, listen, publish } = bench
      const reject = tap<Event>(event => event.reject(foreignError('no lines')))
      const listener = await listen(word, { queue: 'q', ack: 'manual' }, reject)

      await publish(word, 'poison')

      const letters = await listed(bench, 1)
      assert.match(letters[0]?.error.message ?? '', /no lines/)
      assert.equal(listener.events.length, 1)
    },
    'redelivery',
  ),

  overBroker(
    'makes a dead letter of what has failed too often',
    async bench => {
      const { word, listen, publish, until } = bench
      const listener = await listen(word, { queue: 'q' }, failing('poison', foreignError('no disk')))

      await publish(word, 'a', 'poison', 'b')

      const letters = await listed(bench, 1)
      await until(() => listener.bodies.includes('b'))
      assert.equal(letters[0]?.message.body, 'poison')
      assert.match(letters[0]?.error.message ?? '', /no disk/)
      assert.equal(letters[0]?.attempts, listener.bodies.filter(body => body === 'poison').length)
      assert.ok((letters[0]?.attempts ?? 0) > 1, 'it was not tried again')
    },
    'redelivery',
  ),

  overBroker(
    'delivers others in order beside a poison message',
    async bench => {
      const { word, listen, publish, until } = bench
      const listener = await listen(word, { queue: 'q' }, failing(7, foreignError('no disk')))
      const bodies = Array.from({ length: 40 }, (_, index) => index)

      await publish(word, ...bodies)

      const [letter] = await listed(bench, 1)
      await until(() => listener.bodies.includes(39))
      const first = listener.events.filter(({ attempt }) => attempt === 1).map(({ message }) => message.body)
      assert.deepEqual(first, bodies)
      assert.equal(listener.events.length, bodies.length - 1 + (letter?.attempts ?? 0))
    },
    'redelivery',
  ),

  overBroker('tells of each new dead letter', async bench => {
    const { broker, word, listen, publish, ready } = bench
    const { values, subscription } = record(broker.deadLetters.added$)
    const told = () => values.filter(({ topic }) => topic === word).map(({ id }) => id)
    await listen(word, { queue: 'q' }, failing('poison', unprocessable('no lines')))
    await ready()

    // Until the broker knows that somebody listens, which `ready` need not say.
    let letters: readonly DeadLetter[] = []
    for (let count = 1; told().length === 0 && count <= 20; count++) {
      await publish(word, 'poison')
      letters = await listed(bench, count)
    }
    subscription.unsubscribe()

    assert.ok(told().length > 0, 'nothing was told')
    assert.deepEqual(
      told(),
      letters.map(({ id }) => id).filter(id => told().includes(id)),
    )
  }),

  overBroker('replays a dead letter to the group that gave it up', async bench => {
    const { broker, word, listen, publish, until } = bench
    let broken = true
    const fails = tap<Event>(() => {
      if (broken) hold()?.(unprocessable('not yet'))
    })
    const listener = await listen(word, { queue: 'q' }, fails)
    const other = await listen(word, { queue: 'r' })
    await publish(word, 'work')
    await listed(bench, 1)

    broken = false
    const replayed = await taken(broker.deadLetters.replay({ topic: word }))

    await until(() => listener.events.length >= 2)
    assert.deepEqual(
      listener.events.map(({ message, attempt }) => [message.body, attempt]),
      [
        ['work', 1],
        ['work', 1],
      ],
    )
    assert.equal(new Set(listener.events.map(({ id }) => id)).size, 1, 'the message has got another id')
    assert.deepEqual([replayed.length, await count(bench)], [1, 0])
    await publish(word, 'last')
    await until(() => other.bodies.includes('last'))
    assert.deepEqual(other.bodies, ['work', 'last'])
  }),

  overBroker('replays the oldest letters, at most max', async bench => {
    const { broker, word, listen, publish, until } = bench
    const fails = tap<Event>(({ message }) => {
      if (message.body !== 'fine') hold()?.(unprocessable('no lines'))
    })
    const listener = await listen(word, { queue: 'q', window: 1 }, fails)
    await publish(word, 'first', 'second', 'third')
    await listed(bench, 3)

    const replayed = await taken(broker.deadLetters.replay({ topic: word, max: 2 }))
    await publish(word, 'fine')

    await until(() => listener.bodies.includes('fine') && listener.events.length >= 6)
    assert.deepEqual(
      replayed.map(({ message }) => message.body),
      ['first', 'second'],
    )
    assert.equal(listener.bodies.filter(body => body === 'third').length, 1, 'the third came again')
  }),

  overBroker('replays no letter more often than is asked for', async bench => {
    const { broker, word, listen, publish, until } = bench
    const listener = await listen(word, { queue: 'q' }, failing('poison', unprocessable('never')))
    await publish(word, 'poison')
    await listed(bench, 1)
    await taken(broker.deadLetters.replay({ topic: word, maxReplays: 1 }))
    await until(() => listener.events.length >= 2)
    await listed(bench, 1)

    const again = await taken(broker.deadLetters.replay({ topic: word, maxReplays: 1 }))

    assert.deepEqual([again.length, await count(bench)], [0, 1])
  }),

  overBroker('drops the dead letters that are meant', async bench => {
    const { broker, word, listen, publish } = bench
    await listen(`${word}.*`, { queue: 'q' }, failing('poison', unprocessable('no lines')))
    await publish(`${word}.a`, 'poison')
    await publish(`${word}.b`, 'poison')
    await listed(bench, 2)

    const dropped = await taken(broker.deadLetters.drop({ topic: `${word}.a` }))

    const left = await taken(broker.deadLetters.list({ topic: `${word}.>`, queue: 'q' }))
    assert.deepEqual(
      [dropped, left].map(letters => letters.map(({ topic }) => topic)),
      [[`${word}.a`], [`${word}.b`]],
    )
  }),

  overBroker('refuses a wrong filter of dead letters', async ({ broker }) => {
    const filter = { topics: 'a' } as DeadLetterFilter
    const letters = broker.deadLetters

    for (const answer of [letters.list(filter), letters.replay(filter), letters.drop(filter)]) {
      await assert.rejects(taken(answer), { code: 'INVALID_ARGUMENT', reason: 'invalid_options' })
    }
  }),
]

/** Fails each message of a body. */
function failing(body: unknown, error: Error) {
  return tap<Event>(({ message }) => {
    if (message.body === body) hold()?.(error)
  })
}

/** The letters of the check's own topics, once there are so many. */
async function listed({ broker, word, until }: BrokerBench, least: number): Promise<readonly DeadLetter[]> {
  let letters: readonly DeadLetter[] = []
  let isAsking = false
  const ask = async (): Promise<void> => {
    isAsking = true
    const [own, below] = await Promise.all([word, `${word}.>`].map(topic => taken(broker.deadLetters.list({ topic }))))
    letters = [...(own ?? []), ...(below ?? [])]
    isAsking = false
  }
  await until(() => {
    if (letters.length < least && !isAsking) void ask().catch(() => {}) // shows as letters that never come
    return letters.length >= least
  })
  return letters
}

async function count({ broker, word }: BrokerBench): Promise<number> {
  return (await taken(broker.deadLetters.list({ topic: word }))).length
}

function taken(letters$: ReturnType<BrokerBench['broker']['deadLetters']['list']>): Promise<readonly DeadLetter[]> {
  return lastValueFrom(letters$.pipe(toArray()))
}
