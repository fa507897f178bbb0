import assert from 'node:assert/strict'
import { assertFields } from '../assert-fields.js'
import { eventually, within } from '../waiting.js'
import { answerOf } from './answer-of.js'
import { instanceOf, serviceOf } from './instances.js'
import { overRegistry, type RegistryCheck } from './registry-check.js'

const WORDS = instanceOf('words', 'a')

/** What `watch` shows. */
export const showing: readonly RegistryCheck[] = [
  overRegistry('shows a registered instance whole', async ({ register, watch, patienceMs }) => {
    register(WORDS)

    const words = watch('words')
    await words.shows(['words@1.0.0 a'], patienceMs)

    assertFields(words.last, { services: [serviceOf(WORDS)], stale: false })
  }),

  overRegistry('shows an addition while it watches', async ({ register, watch, patienceMs }) => {
    const words = watch('words')
    await words.shows([], patienceMs)

    register(WORDS)

    await words.shows(['words@1.0.0 a'], patienceMs)
  }),

  overRegistry('shows the nodes of a version in order', async ({ register, watch, patienceMs }) => {
    for (const id of ['b', 'c', 'a']) register(instanceOf('words', id, { address: '127.0.0.1:4001' }))

    await watch('words').shows(['words@1.0.0 a b c'], patienceMs)
  }),

  overRegistry('shows the versions of a service in order', async ({ register, watch, patienceMs }) => {
    register(instanceOf('words', 'a', { version: '2.0.0' }))
    register(instanceOf('words', 'b', { version: '1.0.0' }))

    await watch('words').shows(['words@1.0.0 b', 'words@2.0.0 a'], patienceMs)
  }),

  overRegistry('shows every service in order without a name', async ({ register, watch, patienceMs }) => {
    for (const name of ['words', 'Lines', 'lines']) register(instanceOf(name, 'a'))

    await watch().shows(['Lines@1.0.0 a', 'lines@1.0.0 a', 'words@1.0.0 a'], patienceMs)
  }),

  overRegistry('shows one service only with a name', async ({ register, watch, settled, patienceMs }) => {
    register(WORDS)
    register(instanceOf('more.words', 'a'))
    const words = watch('words')
    await words.shows(['words@1.0.0 a'], patienceMs)

    await settled()

    const seen = new Set(words.snapshots.flatMap(({ services }) => services).map(({ name }) => name))
    assert.deepEqual([...seen], ['words'])
    assert.deepEqual(words.shown, ['words@1.0.0 a'])
  }),

  overRegistry('shows an unknown name as empty, not stale', async ({ watch, patienceMs }) => {
    const unknown = watch('unknown')

    await unknown.shows([], patienceMs)

    assertFields(unknown.last, { stale: false })
    assert.ok(Number.isFinite(unknown.last?.asOf), 'it says that it was never confirmed')
  }),

  overRegistry('shows a node once, however often it is announced', async ({ register, watch, settled, patienceMs }) => {
    const words = watch('words')
    register(WORDS)
    register(instanceOf('words', 'a')).instance$.next(instanceOf('words', 'a'))
    await words.shows(['words@1.0.0 a'], patienceMs)

    await settled()

    assert.deepEqual(words.shown, ['words@1.0.0 a'])
  }),

  overRegistry('emits no snapshot when nothing has changed', async ({ register, watch, settled, patienceMs }) => {
    const words = watch('words')
    const registering = register(WORDS)
    await words.shows(['words@1.0.0 a'], patienceMs)
    await settled() // also what belongs to the first announcement
    const before = words.snapshots.length

    registering.instance$.next(instanceOf('words', 'a'))
    await eventually(() => registering.announced.length > 1, patienceMs, 'the second announcement')
    await settled()

    assert.equal(words.snapshots.length, before)
  }),

  overRegistry('leaves snapshots that it has emitted alone', async ({ register, watch, patienceMs }) => {
    const words = watch('words')
    register(WORDS)
    await words.shows(['words@1.0.0 a'], patienceMs)
    const before = words.snapshots.map(snapshot => JSON.stringify(snapshot))

    register(instanceOf('words', 'b'))
    await words.shows(['words@1.0.0 a b'], patienceMs)

    const after = words.snapshots.map(snapshot => JSON.stringify(snapshot))
    assert.deepEqual(after.slice(0, before.length), before)
  }),

  overRegistry('tells every watcher', async ({ register, watch, patienceMs }) => {
    const before = Array.from({ length: 20 }, () => watch('words'))
    register(WORDS)
    await watch('words').shows(['words@1.0.0 a'], patienceMs)
    const after = Array.from({ length: 20 }, () => watch('words'))

    for (const each of [...before, ...after]) await each.shows(['words@1.0.0 a'], patienceMs)
  }),

  overRegistry('refuses a name that no service can have', async ({ watch, there, patienceMs }) => {
    const refused = { code: 'INVALID_ARGUMENT', reason: 'invalid_service_name' }

    const slashed = watch('a/b')
    await eventually(() => slashed.error !== undefined, patienceMs, 'an error')

    assertFields(slashed.error, refused)
    assertFields(await within(answerOf(there.get('_a')), patienceMs, 'an answer'), refused)
  }),
]
