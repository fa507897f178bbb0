import assert from 'node:assert/strict'
import { EMPTY, mergeMap, NEVER, Subject, take } from 'rxjs'
import { messageOf, type Message } from '../../../core/index.js'
import { assertFields } from '../assert-fields.js'
import { record } from '../recording.js'
import { bodies, echo, single, streaming, upTo } from './calling.js'
import { endless } from './endless.js'
import { overProtocol, type ProtocolCheck } from './protocol-check.js'

/** How calls and connections end. */
export const ending: readonly ProtocolCheck[] = [
  overProtocol('tears a producer down within one round trip', async ({ connected, until }) => {
    const source = endless()
    const { connection } = await connected({ ticks: source.pushed, echo })

    const ticks = record(connection.call(single('serverStream', 'ticks')).pipe(take(10)))
    await until(() => ticks.completed)
    const roundTrip = record(connection.call(single('unary', 'echo')))
    await until(() => roundTrip.completed)

    assert.equal(source.tornDown, 1, 'the producer runs on')
  }),
  overProtocol('tears a unary handler down when unsubscribed', async ({ connected, until }) => {
    const source = endless()
    const { connection } = await connected({ never: () => source.pushed().pipe(mergeMap(() => EMPTY)) })
    const reply = record(connection.call(single('unary', 'never')))
    await until(() => source.produced > 0)

    reply.subscription.unsubscribe()

    await until(() => source.tornDown === 1)
  }),
  overProtocol('tears handlers down when the connection drops', async ({ connected, until }) => {
    const source = endless()
    const { connection, lifetime } = await connected({ ticks: source.pushed })
    const replies = record(connection.call(single('serverStream', 'ticks')))
    await until(() => replies.values.length > 0)

    lifetime.subscription.unsubscribe()

    await until(() => source.tornDown === 1)
    assertFields(replies.error, { code: 'UNAVAILABLE' })
  }),
  overProtocol('fails every running call when the server goes', async ({ connected, until }) => {
    const { connection, listening, lifetime } = await connected({ never: () => NEVER })
    const running = [
      ...upTo(5).map(() => single('unary', 'never')),
      single('serverStream', 'never'),
      streaming('duplex', 'never', NEVER),
      streaming('clientStream', 'never', NEVER),
    ].map(call => record(connection.call(call)))

    listening.unsubscribe()
    await until(() => [...running, lifetime].every(({ error }) => error !== undefined))

    for (const { error } of running) assertFields(error, { code: 'UNAVAILABLE', retry: { safe: false } })
  }),
  overProtocol('refuses calls on a connection that has ended', async ({ connected, until }) => {
    const { connection, listening, lifetime } = await connected({ echo })
    const status = record(connection.status)
    listening.unsubscribe()
    await until(() => lifetime.error !== undefined)

    const reply = record(connection.call(single('unary', 'echo')))

    assertFields(reply.error, { code: 'UNAVAILABLE', retry: { safe: true } })
    assertFields(status, { values: ['open', 'closed'], completed: true })
  }),
  overProtocol('drains: running calls end, new ones are refused', async ({ connected, until }) => {
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

    assertFields(refused.error, { code: 'UNAVAILABLE', retry: { safe: true } })
    assert.deepEqual([before, bodies(running), running.completed], [false, ['last'], true])
  }),
]
