import assert from 'node:assert/strict'
import { EMPTY, map, mergeMap, NEVER, tap, timer } from 'rxjs'
import { type Message, systemRuntime } from '../../../core/index.js'
import type { StreamingCall } from '../../../protocol/index.js'
import { pacedMap } from '../../../streams/index.js'
import { record } from '../recording.js'
import { echo, numbers, single, streaming } from './calling.js'
import { endless } from './endless.js'
import { overProtocol, type ProtocolCheck } from './protocol-check.js'

const { scheduler } = systemRuntime()

/** How consumers slow producers down. */
export const pacing: readonly ProtocolCheck[] = [
  overProtocol('slows a producer of replies down', async ({ connected, until, window }) => {
    const source = endless()
    const { connection } = await connected({ items: source.pulled, echo })
    const slowly = pacedMap((item: Message) => timer(1, scheduler).pipe(map(() => item)), { concurrency: 1 })

    const reading = record(connection.call(single('serverStream', 'items')).pipe(slowly))
    await until(() => reading.values.length > window)
    const { produced } = source
    const readByThen = reading.values.length
    reading.subscription.unsubscribe()

    assert.ok(
      produced <= readByThen + window,
      `${produced} were produced when ${readByThen} had been read, with a window of ${window}`,
    )
  }),
  overProtocol('slows a producer of requests down', async ({ connected, until, window }) => {
    const source = endless()
    let read = 0
    const { connection } = await connected({
      reads: ({ messages }: StreamingCall) =>
        messages.pipe(
          pacedMap(item => timer(1, scheduler).pipe(map(() => item)), { concurrency: 1 }),
          tap(() => read++),
          mergeMap(() => EMPTY),
        ),
    })

    const writing = record(connection.call(streaming('duplex', 'reads', source.pulled())))
    await until(() => read > window)
    const { produced } = source
    const readByThen = read
    writing.subscription.unsubscribe()

    assert.ok(
      produced <= readByThen + window,
      `${produced} were produced when ${readByThen} had been read, with a window of ${window}`,
    )
  }),
  overProtocol('lets a slow stream hold no other up', async ({ connected, until }) => {
    const source = endless()
    const { connection } = await connected({ items: source.pulled, numbers: numbers(1000) })
    const stuck = connection.call(single('serverStream', 'items')).pipe(pacedMap(() => NEVER, { concurrency: 1 }))
    const reading = record(stuck)

    const other = record(connection.call(single('serverStream', 'numbers')))
    await until(() => other.completed)

    assert.equal(other.values.length, 1000)
    reading.subscription.unsubscribe()
  }),
]
