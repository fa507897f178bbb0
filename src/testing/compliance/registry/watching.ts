import assert from 'node:assert/strict'
import type { Registry, Snapshot } from '../../../registry/index.js'
import { eventually } from '../waiting.js'
import { shortly } from './instances.js'

/** One running `watch`. */
export interface Watching {
  /** All that it has shown. */
  readonly snapshots: readonly Snapshot[]
  /** What it shows now. */
  readonly last: Snapshot | undefined
  /** What it shows now, in short. */
  readonly shown: readonly string[]
  /** What it failed with. */
  readonly error: unknown
  /** Waits until exactly these services are shown. */
  shows(services: readonly string[], patienceMs: number): Promise<void>
  /** Ends it. */
  stop(): void
}

/** Watches a registry. */
export function watch(registry: Registry, name?: string): Watching {
  const snapshots: Snapshot[] = []
  let failure: unknown
  const subscription = registry.watch(name).subscribe({
    next: snapshot => snapshots.push(snapshot),
    error: (error: unknown) => (failure = error),
  })
  return {
    snapshots,
    get last() {
      return snapshots.at(-1)
    },
    get shown() {
      return this.last === undefined ? ['nothing yet'] : shortly(this.last.services)
    },
    get error() {
      return failure
    },
    async shows(services, patienceMs) {
      const wanted = JSON.stringify(services)
      const reached = eventually(() => JSON.stringify(this.shown) === wanted, patienceMs, wanted)
      await reached.catch(() => assert.deepEqual(this.shown, services))
    },
    stop: () => subscription.unsubscribe(),
  }
}
