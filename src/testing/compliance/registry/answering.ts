import assert from 'node:assert/strict'
import { RpcError } from '../../../core/index.js'
import { within } from '../waiting.js'
import { answerOf } from './answer-of.js'
import { instanceOf, shortly } from './instances.js'
import { overRegistry, type RegistryCheck } from './registry-check.js'

const WORDS = instanceOf('words', 'a')

/** What `get` and `list` answer. */
export const answering: readonly RegistryCheck[] = [
  overRegistry('gets one entry for each version', async ({ register, watch, there, patienceMs }) => {
    register(instanceOf('words', 'b', { version: '2.0.0' }))
    register(WORDS)
    register(instanceOf('lines', 'c'))
    const shown = ['words@1.0.0 a', 'words@2.0.0 b']
    await watch('words').shows(shown, patienceMs)

    const services = await within(answerOf(there.get('words')), patienceMs, 'an answer')

    assert.deepEqual(RpcError.is(services) ? services : shortly(services), shown)
  }),

  overRegistry('gets nothing for an unknown name', async ({ there, patienceMs }) => {
    assert.deepEqual(await within(answerOf(there.get('unknown')), patienceMs, 'an answer'), [])
  }),

  overRegistry('lists every name once, in order', async ({ register, watch, there, patienceMs }) => {
    register(WORDS)
    register(instanceOf('words', 'b', { version: '2.0.0' }))
    register(instanceOf('lines', 'c'))
    await watch().shows(['lines@1.0.0 c', 'words@1.0.0 a', 'words@2.0.0 b'], patienceMs)

    assert.deepEqual(await within(answerOf(there.list()), patienceMs, 'an answer'), ['lines', 'words'])
  }),
]
