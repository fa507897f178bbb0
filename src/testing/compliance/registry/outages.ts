import assert from 'node:assert/strict'
import { assertFields } from '../assert-fields.js'
import { eventually, within } from '../waiting.js'
import { answerOf } from './answer-of.js'
import { instanceOf } from './instances.js'
import { overRegistry, type RegistryCheck } from './registry-check.js'

const WORDS = instanceOf('words', 'a')

/** What it does while its source is down. */
export const outages: readonly RegistryCheck[] = [
  overRegistry(
    'keeps what it has while down, and says stale',
    async ({ register, watch, setDown, patienceMs }) => {
      register(WORDS)
      const words = watch('words')
      await words.shows(['words@1.0.0 a'], patienceMs)
      const { services, asOf } = words.last ?? {}

      setDown(true)

      await eventually(() => words.last?.stale === true, patienceMs, 'a stale snapshot')
      assert.deepEqual(words.last, { services, asOf, stale: true })
    },
    'outages',
  ),

  overRegistry(
    'shows nothing known as stale, confirmed never',
    async ({ watch, setDown, patienceMs }) => {
      setDown(true)

      const words = watch('words')

      await words.shows([], patienceMs)
      assert.deepEqual(words.last, { services: [], asOf: -Infinity, stale: true })
    },
    'outages',
  ),

  overRegistry(
    'announces and is not stale when up again',
    async ({ register, watch, setDown, patienceMs }) => {
      register(WORDS)
      const words = watch('words')
      await words.shows(['words@1.0.0 a'], patienceMs)
      setDown(true)
      await eventually(() => words.last?.stale === true, patienceMs, 'a stale snapshot')
      const late = register(instanceOf('words', 'b'))
      const announcedWhileDown = late.announced.length

      setDown(false)

      await words.shows(['words@1.0.0 a b'], patienceMs)
      await eventually(() => words.last?.stale === false, patienceMs, 'a snapshot that is not stale')
      assert.deepEqual([announcedWhileDown, late.announced.length], [0, 1])
    },
    'outages',
  ),

  overRegistry(
    'says why a registration waits',
    async ({ register, setDown, patienceMs }) => {
      setDown(true)

      const registering = register(WORDS)

      await eventually(() => registering.lost.length > 0, patienceMs, 'a registration that is lost')
      assert.equal(registering.lost[0]?.instance, WORDS)
      assertFields(registering.lost[0]?.lost, { code: 'UNAVAILABLE', retry: { safe: true } })
    },
    'outages',
  ),

  overRegistry(
    'ends a registration that waits for better times',
    async ({ register, setDown, patienceMs }) => {
      setDown(true)
      const registering = register(WORDS)

      await registering.ends(patienceMs)

      assert.deepEqual(registering.announced, [])
    },
    'outages',
  ),

  overRegistry(
    'fails get and list while down, safe to retry',
    async ({ there, setDown, patienceMs }) => {
      setDown(true)

      const answers = [answerOf(there.get('words')), answerOf(there.list())]

      for (const answer of answers) {
        assertFields(await within<unknown>(answer, patienceMs, 'an answer'), {
          code: 'UNAVAILABLE',
          reason: 'registry_unavailable',
          retry: { safe: true },
        })
      }
    },
    'outages',
  ),
]
