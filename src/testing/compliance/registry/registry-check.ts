import assert from 'node:assert/strict'
import type { Instance, Registry } from '../../../registry/index.js'
import { PATIENCE_MS, type Check, type CheckSetup } from '../check.js'
import { instanceOf } from './instances.js'
import { register, type Registering } from './registering.js'
import { watch, type Watching } from './watching.js'

/** Registries to be tried, made anew for each check and empty. */
export interface RegistrySetup extends CheckSetup {
  /** Where checks register. */
  readonly here: Registry
  /** Where they look: shares what is registered with `here`, and may be the same. */
  readonly there: Registry
  /** Takes the source of both down, or brings it up again. @default nobody can: say that it lacks `outages` */
  readonly setDown?: (down: boolean) => void
  /** How many sockets, timers and subscriptions the registries have open; 0 before they are used. */
  readonly openResources: () => number
}

/** What a registry may lack: `outages`, that its source can be taken down. */
export type RegistryCapability = 'outages'

/** One fact about every registry. */
export type RegistryCheck = Check<RegistrySetup, RegistryCapability>

/** What a check is written with: registrations and watches that are stopped when it ends. */
export interface RegistryBench {
  /** Where it registers. */
  readonly here: Registry
  /** Where it looks. */
  readonly there: Registry
  /** Longest wait, ms. */
  readonly patienceMs: number
  /** Takes the source down, or brings it up again. */
  readonly setDown: (down: boolean) => void
  /** Registers `here`. */
  readonly register: (instance?: Instance) => Registering
  /** Watches `there`. */
  readonly watch: (name?: string) => Watching
  /** Waits until all that was said before has been heard by `there`. */
  readonly settled: () => Promise<void>
  /** How much is open. */
  readonly openResources: () => number
}

/** A check over a registry at work. */
export function overRegistry(
  title: string,
  run: (bench: RegistryBench) => Promise<void>,
  needs?: RegistryCapability,
): RegistryCheck {
  return {
    title,
    ...(needs && { needs }),
    run: async setup => {
      const open: { stop(): void }[] = []
      try {
        await run(benchOf(setup, open))
      } finally {
        for (const each of open) each.stop()
      }
    },
  }
}

function benchOf(setup: RegistrySetup, open: { stop(): void }[]): RegistryBench {
  const { here, there, openResources, patienceMs = PATIENCE_MS, setDown = cannotBeDown } = setup
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
    openResources,
    register: instance => kept(register(here, instance)),
    watch: name => kept(watch(there, name)),
    async settled() {
      const name = `marker${markers++}`
      const seen = kept(watch(there, name))
      kept(register(here, instanceOf(name, 'm')))
      await seen.shows([`${name}@1.0.0 m`], patienceMs)
    },
  }
}

function cannotBeDown(): void {
  assert.fail('the setup has no setDown: give one, or say that the registry lacks outages')
}
