import { RpcError } from 'millrace/core'
import type { Instance, Registry } from 'millrace/registry'
import { EMPTY, Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { eventually, within } from '../support/deadline.js'
import { answerOf, instanceOf, Registering, serviceOf, shortly, Watch } from './registry-probe.js'

/** Registries to be tried, made anew for each check. */
export interface RegistrySetup {
  /** Where checks register. */
  readonly here: Registry
  /** Where they look: shares what is registered with `here`, and may be the same. */
  readonly there: Registry
  /** Takes the source of both down, or brings it up again. */
  readonly setDown?: (down: boolean) => void
  /** How many sockets, timers and subscriptions the registries have open. */
  readonly openResources: () => number
  /** Longest wait for anything that must happen, in ms. @default 5000 */
  readonly patienceMs?: number
}

/** What not every registry does. */
export interface RegistryCapabilities {
  /** Its source can be taken down. */
  readonly outages: boolean
}

/** One thing that every registry does. */
export interface RegistryCheck {
  readonly title: string
  readonly needs?: keyof RegistryCapabilities
  readonly run: (setup: RegistrySetup) => Promise<void>
}

/** What a check is written with: registrations and watches that are stopped when it ends. */
interface Bench {
  readonly here: Registry
  readonly there: Registry
  readonly patienceMs: number
  readonly setDown: (down: boolean) => void
  readonly register: (instance?: Instance) => Registering
  readonly watch: (name?: string) => Watch
  /** Waits until all that was said before has been heard by `there`. */
  readonly settled: () => Promise<void>
}

function check(
  title: string,
  run: (bench: Bench, setup: RegistrySetup) => Promise<void>,
  needs?: keyof RegistryCapabilities,
): RegistryCheck {
  return {
    title,
    ...(needs && { needs }),
    run: async setup => {
      const open: { stop(): void }[] = []
      try {
        await run(benchOf(setup, open), setup)
      } finally {
        for (const each of open) each.stop()
      }
    },
  }
}

function benchOf(setup: RegistrySetup, open: { stop(): void }[]): Bench {
  const { here, there, patienceMs = 5000, setDown = () => undefined } = setup
  const kept = <T extends { stop(): void }>(each: T): T => {
    open.push(each)
    return each
  }
  let markers = 0
  return {
    here,
    there,
    patienceMs,
    setDown,
    register: instance => kept(new Registering(here, instance)),
    watch: name => kept(new Watch(there, name)),
    async settled() {
      const name = `marker${markers++}`
      const watch = kept(new Watch(there, name))
      kept(new Registering(here, instanceOf(name, 'm')))
      await watch.shows([`${name}@1.0.0 m`], patienceMs)
    },
  }
}

const WORDS = instanceOf('words', 'a')

/** Everything that the contract of `Registry` says, as checks. */
export const registryChecks: readonly RegistryCheck[] = [
  check('does nothing before it is subscribed', async ({ here, there }, { openResources }) => {
    const instance$ = new Subject<Instance>()

    here.register(instance$)
    there.watch()
    there.get('words')
    there.list()

    expect(instance$.observed).toBe(false)
    expect(openResources()).toBe(0)
  }),

  check('shows a registered instance whole', async ({ register, watch, patienceMs }) => {
    register(WORDS)

    const words = watch('words')
    await words.shows(['words@1.0.0 a'], patienceMs)

    expect(words.last).toMatchObject({ services: [serviceOf(WORDS)], stale: false })
  }),

  check('shows an addition while it watches', async ({ register, watch, patienceMs }) => {
    const words = watch('words')
    await words.shows([], patienceMs)

    register(WORDS)

    await words.shows(['words@1.0.0 a'], patienceMs)
  }),

  check('emits once for each announced instance', async ({ register, patienceMs, settled }) => {
    const next = instanceOf('words', 'a', { version: '1.1.0' })

    const words = register(WORDS)
    await eventually(() => words.announced.length > 0, patienceMs, 'the first announcement')
    words.instance$.next(next)
    await eventually(() => words.announced.length > 1, patienceMs, 'the second announcement')
    await settled()

    expect(words.announced).toEqual([{ instance: WORDS }, { instance: next }])
  }),

  check('replaces what the instance said before', async ({ register, watch, patienceMs }) => {
    const moved = instanceOf('words', 'a', { address: '127.0.0.2:5000' })
    const words = watch('words')
    const registering = register(WORDS)
    await words.shows(['words@1.0.0 a'], patienceMs)

    registering.instance$.next(moved)

    await eventually(() => words.last?.services[0]?.nodes[0]?.address === '127.0.0.2:5000', patienceMs, 'the move')
    expect(words.last?.services).toEqual([serviceOf(moved)])
  }),

  check('moves a node to its new version', async ({ register, watch, patienceMs }) => {
    const words = watch('words')
    const registering = register(WORDS)
    await words.shows(['words@1.0.0 a'], patienceMs)

    registering.instance$.next(instanceOf('words', 'a', { version: '2.0.0' }))

    await words.shows(['words@2.0.0 a'], patienceMs)
  }),

  check('moves a node to its new name', async ({ register, watch, patienceMs }) => {
    const all = watch()
    const registering = register(WORDS)
    await all.shows(['words@1.0.0 a'], patienceMs)

    registering.instance$.next(instanceOf('lines', 'a'))

    await all.shows(['lines@1.0.0 a'], patienceMs)
  }),

  check('removes a node before its registration completes', async ({ register, watch, there, patienceMs }) => {
    const words = watch('words')
    const registering = register(WORDS)
    await words.shows(['words@1.0.0 a'], patienceMs)

    await registering.ends(patienceMs)

    await words.shows([], patienceMs)
    expect(await within(answerOf(there.get('words')), patienceMs, 'an answer')).toEqual([])
  }),

  check('removes a node that is unsubscribed', async ({ register, watch, patienceMs }) => {
    const words = watch('words')
    const registering = register(WORDS)
    await words.shows(['words@1.0.0 a'], patienceMs)

    registering.stop()

    await words.shows([], patienceMs)
  }),

  check('removes a node whose instances fail', async ({ register, watch, patienceMs }) => {
    const words = watch('words')
    const registering = register(WORDS)
    await words.shows(['words@1.0.0 a'], patienceMs)
    const failure = new RpcError('ABORTED', 'no more instances')

    registering.instance$.error(failure)

    await words.shows([], patienceMs)
    expect(registering.error).toBe(failure)
  }),

  check('completes when there never was an instance', async ({ here, patienceMs }) => {
    const announced = await within(answerOf(here.register(EMPTY)).catch(String), patienceMs, 'the end')

    expect(announced).toBe('Error: no answer')
  }),

  check('shows the nodes of a version in order', async ({ register, watch, patienceMs }) => {
    for (const id of ['b', 'c', 'a']) register(instanceOf('words', id, { address: '127.0.0.1:4001' }))

    await watch('words').shows(['words@1.0.0 a b c'], patienceMs)
  }),

  check('shows the versions of a service in order', async ({ register, watch, patienceMs }) => {
    register(instanceOf('words', 'a', { version: '2.0.0' }))
    register(instanceOf('words', 'b', { version: '1.0.0' }))

    await watch('words').shows(['words@1.0.0 b', 'words@2.0.0 a'], patienceMs)
  }),

  check('shows every service in order without a name', async ({ register, watch, patienceMs }) => {
    for (const name of ['words', 'Lines', 'lines']) register(instanceOf(name, 'a'))

    await watch().shows(['Lines@1.0.0 a', 'lines@1.0.0 a', 'words@1.0.0 a'], patienceMs)
  }),

  check('shows one service only with a name', async ({ register, watch, settled, patienceMs }) => {
    register(WORDS)
    register(instanceOf('more.words', 'a'))
    const words = watch('words')
    await words.shows(['words@1.0.0 a'], patienceMs)

    await settled()

    expect(words.snapshots.flatMap(({ services }) => services).map(({ name }) => name)).not.toContain('more.words')
    expect(words.shown).toEqual(['words@1.0.0 a'])
  }),

  check('shows an unknown name as empty, not stale', async ({ watch, patienceMs }) => {
    const unknown = watch('unknown')

    await unknown.shows([], patienceMs)

    expect(unknown.last?.stale).toBe(false)
    expect(Number.isFinite(unknown.last?.asOf)).toBe(true)
  }),

  check('shows a node once, however often it is announced', async ({ register, watch, settled, patienceMs }) => {
    const words = watch('words')
    register(WORDS)
    register(WORDS).instance$.next(WORDS)
    await words.shows(['words@1.0.0 a'], patienceMs)

    await settled()

    expect(words.shown).toEqual(['words@1.0.0 a'])
  }),

  check('emits no snapshot when nothing has changed', async ({ register, watch, settled, patienceMs }) => {
    const words = watch('words')
    const registering = register(WORDS)
    await words.shows(['words@1.0.0 a'], patienceMs)
    await settled() // also what belongs to the first announcement
    const before = words.snapshots.length

    registering.instance$.next(structuredClone(WORDS))
    await eventually(() => registering.announced.length > 1, patienceMs, 'the second announcement')
    await settled()

    expect(words.snapshots.length).toBe(before)
  }),

  check('leaves snapshots that it has emitted alone', async ({ register, watch, patienceMs }) => {
    const words = watch('words')
    register(WORDS)
    await words.shows(['words@1.0.0 a'], patienceMs)
    const copies = structuredClone(words.snapshots)

    register(instanceOf('words', 'b'))
    await words.shows(['words@1.0.0 a b'], patienceMs)

    expect(words.snapshots.slice(0, copies.length)).toEqual(copies)
  }),

  check('keeps a node whose replaced registration ends', async ({ register, watch, settled, patienceMs }) => {
    const words = watch('words')
    const replaced = register(WORDS)
    await words.shows(['words@1.0.0 a'], patienceMs)
    register(instanceOf('words', 'a', { address: '127.0.0.1:4999' }))
    await eventually(() => words.last?.services[0]?.nodes[0]?.address === '127.0.0.1:4999', patienceMs, 'the new node')

    await replaced.ends(patienceMs)
    await settled()

    expect(words.shown).toEqual(['words@1.0.0 a'])
  }),

  check('tells every watcher', async ({ register, watch, patienceMs }) => {
    const before = Array.from({ length: 20 }, () => watch('words'))
    register(WORDS)
    await watch('words').shows(['words@1.0.0 a'], patienceMs)
    const after = Array.from({ length: 20 }, () => watch('words'))

    for (const each of [...before, ...after]) await each.shows(['words@1.0.0 a'], patienceMs)
  }),

  check('gets one entry for each version', async ({ register, watch, there, patienceMs }) => {
    register(instanceOf('words', 'b', { version: '2.0.0' }))
    register(WORDS)
    register(instanceOf('lines', 'c'))
    const shown = ['words@1.0.0 a', 'words@2.0.0 b']
    await watch('words').shows(shown, patienceMs)

    const services = await within(answerOf(there.get('words')), patienceMs, 'an answer')

    expect(RpcError.is(services) ? services : shortly(services)).toEqual(shown)
  }),

  check('gets nothing for an unknown name', async ({ there, patienceMs }) => {
    expect(await within(answerOf(there.get('unknown')), patienceMs, 'an answer')).toEqual([])
  }),

  check('lists every name once, in order', async ({ register, watch, there, patienceMs }) => {
    register(WORDS)
    register(instanceOf('words', 'b', { version: '2.0.0' }))
    register(instanceOf('lines', 'c'))
    await watch().shows(['lines@1.0.0 c', 'words@1.0.0 a', 'words@2.0.0 b'], patienceMs)

    expect(await within(answerOf(there.list()), patienceMs, 'an answer')).toEqual(['lines', 'words'])
  }),

  check('refuses an instance that breaks the rules', async ({ register, patienceMs }) => {
    const registering = register({ ...WORDS, name: 'a/b', version: '' })

    await eventually(() => registering.error !== undefined, patienceMs, 'an error')

    expect(registering.error).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'invalid_instance' })
    expect((registering.error as RpcError).details).toHaveLength(2)
    expect(registering.instance$.observed).toBe(false)
  }),

  check('refuses a name that no service can have', async ({ watch, there, patienceMs }) => {
    const refused = { code: 'INVALID_ARGUMENT', reason: 'invalid_service_name' }

    const slashed = watch('a/b')
    await eventually(() => slashed.error !== undefined, patienceMs, 'an error')

    expect(slashed.error).toMatchObject(refused)
    expect(await within(answerOf(there.get('_a')), patienceMs, 'an answer')).toMatchObject(refused)
  }),

  check('leaves nothing open when it is unsubscribed', async ({ register, watch, patienceMs }, { openResources }) => {
    const registering = register(WORDS)
    const watches = [watch('words'), watch('unknown'), watch()]
    for (const each of watches) await eventually(() => each.last !== undefined, patienceMs, 'a snapshot')

    registering.stop()
    for (const each of watches) each.stop()

    expect(registering.instance$.observed).toBe(false)
    await eventually(() => openResources() === 0, patienceMs, 'the end of all that was open')
  }),

  check(
    'keeps what it has while down, and says stale',
    async ({ register, watch, setDown, patienceMs }) => {
      register(WORDS)
      const words = watch('words')
      await words.shows(['words@1.0.0 a'], patienceMs)
      const { services, asOf } = words.last ?? {}

      setDown(true)

      await eventually(() => words.last?.stale === true, patienceMs, 'a stale snapshot')
      expect(words.last).toEqual({ services, asOf, stale: true })
    },
    'outages',
  ),

  check(
    'shows nothing known as stale, confirmed never',
    async ({ watch, setDown, patienceMs }) => {
      setDown(true)

      const words = watch('words')

      await words.shows([], patienceMs)
      expect(words.last).toEqual({ services: [], asOf: -Infinity, stale: true })
    },
    'outages',
  ),

  check(
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
      expect([announcedWhileDown, late.announced.length]).toEqual([0, 1])
    },
    'outages',
  ),

  check(
    'ends a registration that waits for better times',
    async ({ register, setDown, patienceMs }) => {
      setDown(true)
      const registering = register(WORDS)

      await registering.ends(patienceMs)

      expect(registering.announced).toEqual([])
    },
    'outages',
  ),

  check(
    'fails get and list while down, safe to retry',
    async ({ there, setDown, patienceMs }) => {
      setDown(true)

      const answers = [answerOf(there.get('words')), answerOf(there.list())]

      for (const answer of answers) {
        expect(await within<unknown>(answer, patienceMs, 'an answer')).toMatchObject({
          code: 'UNAVAILABLE',
          reason: 'registry_unavailable',
          retry: { safe: true },
        })
      }
    },
    'outages',
  ),
]

/** Runs every check on registries that `setup` makes; those beyond its capabilities are skipped, visibly. */
export function testRegistry(name: string, setup: () => RegistrySetup, capabilities: RegistryCapabilities): void {
  describe(name, () => {
    for (const { title, needs, run } of registryChecks) {
      it.skipIf(needs !== undefined && !capabilities[needs])(title, () => run(setup()))
    }
  })
}
