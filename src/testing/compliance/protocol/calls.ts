import assert from 'node:assert/strict'
import { EMPTY, merge, NEVER, of, Subject, throwError, type Observable } from 'rxjs'
import { messageOf, RpcError, type Message } from '../../../core/index.js'
import type { Call, SingleCall, StreamingCall } from '../../../protocol/index.js'
import { foreignError } from '../foreign-error.js'
import { record } from '../recording.js'
import { bodies, collect, echo, echoAll, numbers, single, streaming, upTo } from './calling.js'
import { endless } from './endless.js'
import { overProtocol, type ProtocolCheck } from './protocol-check.js'

/** What becomes of calls of each kind. */
export const calls: readonly ProtocolCheck[] = [
  overProtocol('answers a unary call with one message', async ({ connected, until }) => {
    const { connection } = await connected({ echo })

    const reply = record(connection.call(single('unary', 'echo', { a: [1, null, 'ü'] })))
    await until(() => reply.completed)

    assert.deepEqual(bodies(reply), [{ a: [1, null, 'ü'] }])
  }),
  overProtocol('streams replies, all and in order', async ({ connected, until, window }) => {
    const { connection } = await connected({ numbers: numbers(5 * window) })

    const replies = record(connection.call(single('serverStream', 'numbers')))
    await until(() => replies.completed)

    assert.deepEqual(bodies(replies), upTo(5 * window))
  }),
  overProtocol('streams requests, all and in order', async ({ connected, until, window }) => {
    const { connection } = await connected({ collect })

    const reply = record(connection.call(streaming('clientStream', 'collect', numbers(5 * window)())))
    await until(() => reply.completed)

    assert.deepEqual(bodies(reply), [upTo(5 * window)])
  }),
  overProtocol('streams both ways at once', async ({ connected, until, window }) => {
    const { connection } = await connected({ echoAll })

    const replies = record(connection.call(streaming('duplex', 'echoAll', numbers(5 * window)())))
    await until(() => replies.completed)

    assert.deepEqual(bodies(replies), upTo(5 * window))
  }),
  overProtocol('completes a tell without an answer', async ({ connected, until }) => {
    const told: unknown[] = []
    const note = ({ body }: SingleCall): Observable<never> => (
      told.push(body),
      throwError(() => new RpcError('INTERNAL', 'a'))
    )
    const { connection } = await connected({ note })

    const done = record(connection.call(single('tell', 'note', 'a')))
    await until(() => told.length > 0)

    assert.deepEqual([told, done.completed, done.values], [['a'], true, []])
  }),
  overProtocol('makes a call once a subscription, not before', async ({ connected, until }) => {
    let made = 0
    const count = (): Observable<Message> => of(messageOf(++made))
    const { connection } = await connected({ count, echo })
    const call = connection.call(single('unary', 'count'))
    const before = record(connection.call(single('unary', 'echo')))
    await until(() => before.completed)
    const unsubscribed = made

    const replies = [record(call), record(call)]
    await until(() => replies.every(({ completed }) => completed))

    assert.deepEqual([unsubscribed, replies.flatMap(bodies)], [0, [1, 2]])
  }),
  overProtocol('keeps header entries, trailers and missing bodies', async ({ connected, until }) => {
    const seen: unknown[] = []
    const headers = ({ header, body }: SingleCall): Observable<Message> => {
      seen.push({ ...header }, body)
      return of({ header: { page: '1' }, body: null }, { header: { total: '1' }, body: undefined })
    }
    const { connection } = await connected({ headers })

    const replies = record(connection.call({ ...single('serverStream', 'headers'), header: { tenant: 'ä' } }))
    await until(() => replies.completed)

    assert.deepEqual(seen, [{ tenant: 'ä' }, undefined])
    assert.deepEqual(
      replies.values.map(({ header, body }) => [{ ...header }, body]),
      [
        [{ page: '1' }, null],
        [{ total: '1' }, undefined],
      ],
    )
  }),
  overProtocol('tells the handler of route and kind', async ({ connected, until }) => {
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

    assert.deepEqual(
      seen,
      ['serverStream', 'clientStream', 'duplex'].flatMap(kind => ['checks', '1.0.0', kind]),
    )
  }),
  overProtocol('passes errors on whole', async ({ connected, until }) => {
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

    for (const each of ends) assert.deepEqual(each.error?.toJSON(), error.toJSON())
  }),
  overProtocol('cancels a call whose requests fail', async ({ connected, until }) => {
    const source = endless()
    const { connection } = await connected({
      both: ({ messages }: StreamingCall) => merge(messages, source.pushed()),
    })
    const own = foreignError('own')
    const requests$ = new Subject<Message>()
    const replies = record(connection.call(streaming('duplex', 'both', requests$)))
    await until(() => replies.values.length > 1)

    requests$.error(own)
    await until(() => source.tornDown > 0)

    assert.equal(replies.error, own)
  }),
]
