import assert from 'node:assert/strict'
import { EMPTY, Subject } from 'rxjs'
import { RpcError } from '../../../core/index.js'
import type { Instance } from '../../../registry/index.js'
import { assertFields } from '../assert-fields.js'
import { eventually, within } from '../waiting.js'
import { answerOf } from './answer-of.js'
import { instanceOf, serviceOf } from './instances.js'
import { overRegistry, type RegistryCheck } from './registry-check.js'

const WORDS = instanceOf('words', 'a')

/** What `register` does. */
export const announcing: readonly RegistryCheck[] = [
  overRegistry('does nothing before it is subscribed', async ({ here, there, openResources }) => {
    const instance$ = new Subject<Instance>()

    here.register(instance$)
    there.watch()
    there.get('words')
    there.list()

    assert.equal(instance$.observed, false, 'the instances are subscribed')
    assert.equal(openResources(), 0, 'something is open')
  }),

  overRegistry('emits once for each announced instance', async ({ register, patienceMs, settled }) => {
    const next = instanceOf('words', 'a', { version: '1.1.0' })

    const words = register(WORDS)
    await eventually(() => words.announced.length > 0, patienceMs, 'the first announcement')
    words.instance$.next(next)
    await eventually(() => words.announced.length > 1, patienceMs, 'the second announcement')
    await settled()

    assert.deepEqual(words.announced, [{ instance: WORDS }, { instance: next }])
  }),

  overRegistry('replaces what the instance said before', async ({ register, watch, patienceMs }) => {
    const moved = instanceOf('words', 'a', { address: '127.0.0.2:5000' })
    const words = watch('words')
    const registering = register(WORDS)
    await words.shows(['words@1.0.0 a'], patienceMs)

    registering.instance$.next(moved)

    await eventually(() => words.last?.services[0]?.nodes[0]?.address === '127.0.0.2:5000', patienceMs, 'the move')
    assert.deepEqual(words.last?.services, [serviceOf(moved)])
  }),

  overRegistry('moves a node to its new version', async ({ register, watch, patienceMs }) => {
    const words = watch('words')
    const registering = register(WORDS)
    await words.shows(['words@1.0.0 a'], patienceMs)

    registering.instance$.next(instanceOf('words', 'a', { version: '2.0.0' }))

    await words.shows(['words@2.0.0 a'], patienceMs)
  }),

  overRegistry('moves a node to its new name', async ({ register, watch, patienceMs }) => {
    const all = watch()
    const registering = register(WORDS)
    await all.shows(['words@1.0.0 a'], patienceMs)

    registering.instance$.next(instanceOf('lines', 'a'))

    await all.shows(['lines@1.0.0 a'], patienceMs)
  }),

  overRegistry('removes a node before its registration completes', async ({ register, watch, there, patienceMs }) => {
    const words = watch('words')
    const registering = register(WORDS)
    await words.shows(['words@1.0.0 a'], patienceMs)

    await registering.ends(patienceMs)

    await words.shows([], patienceMs)
    assert.deepEqual(await within(answerOf(there.get('words')), patienceMs, 'an answer'), [])
  }),

  overRegistry('removes a node that is unsubscribed', async ({ register, watch, patienceMs }) => {
    const words = watch('words')
    const registering = register(WORDS)
    await words.shows(['words@1.0.0 a'], patienceMs)

    registering.stop()

    await words.shows([], patienceMs)
  }),

  overRegistry('removes a node whose instances fail', async ({ register, watch, patienceMs }) => {
    const words = watch('words')
    const registering = register(WORDS)
    await words.shows(['words@1.0.0 a'], patienceMs)
    const failure = new RpcError('ABORTED', 'no more instances')

    registering.instance$.error(failure)

    await words.shows([], patienceMs)
    assert.equal(registering.error, failure)
  }),

  overRegistry('completes when there never was an instance', async ({ here, patienceMs }) => {
    const announced = await within(answerOf(here.register(EMPTY)).catch(String), patienceMs, 'the end')

    assert.equal(announced, 'Error: no answer')
  }),

  overRegistry('keeps a node whose replaced registration ends', async ({ register, watch, settled, patienceMs }) => {
    const words = watch('words')
    const replaced = register(WORDS)
    await words.shows(['words@1.0.0 a'], patienceMs)
    register(instanceOf('words', 'a', { address: '127.0.0.1:4999' }))
    await eventually(() => words.last?.services[0]?.nodes[0]?.address === '127.0.0.1:4999', patienceMs, 'the new node')

    await replaced.ends(patienceMs)
    await settled()

    assert.deepEqual(words.shown, ['words@1.0.0 a'])
  }),

  overRegistry('refuses an instance that breaks the rules', async ({ register, patienceMs }) => {
    const registering = register({ ...WORDS, name: 'a/b', version: '' })

    await eventually(() => registering.error !== undefined, patienceMs, 'an error')

    assertFields(registering.error, { code: 'INVALID_ARGUMENT', reason: 'invalid_instance' })
    const { details } = registering.error as RpcError
    assert.ok(Array.isArray(details), 'details is no list of faults')
    assert.equal(details.length, 2)
    assert.equal(registering.instance$.observed, false, 'the instances are still subscribed')
  }),

  overRegistry(
    'leaves nothing open when it is unsubscribed',
    async ({ register, watch, patienceMs, openResources }) => {
      const registering = register(WORDS)
      const watches = [watch('words'), watch('unknown'), watch()]
      for (const each of watches) await eventually(() => each.last !== undefined, patienceMs, 'a snapshot')

      registering.stop()
      for (const each of watches) each.stop()

      assert.equal(registering.instance$.observed, false, 'the instances are still subscribed')
      await eventually(() => openResources() === 0, patienceMs, 'the end of all that was open')
    },
  ),
]
