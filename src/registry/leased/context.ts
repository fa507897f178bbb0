import { timer, type Observable } from 'rxjs'
import type { Log, Runtime } from '../../core/index.js'
import type { LeaseStore } from '../lease-store.js'

/** What the parts of a leased registry work with. */
export interface LeasedContext {
  /** Where records and leases are. */
  readonly store: LeaseStore
  /** How long a record outlives its last renewal, ms. */
  readonly ttlMs: number
  /** Time and chance. */
  readonly runtime: Runtime
  /** Where outages are told of. */
  readonly log: Log
}

/** Longest pause before a store is asked again, ms. */
export const LAST_RETRY_MS = 3000
const FIRST_RETRY_MS = 100
const DOUBLINGS = 5

/**
 * Emits when it is time to try again: after 0.1 s, then twice as long each time up to 3 s, less up to half by chance,
 * so that the clients of a store which comes back do not all ask at once.
 */
export function backoff(failures: number, runtime: Runtime): Observable<0> {
  const doubled = FIRST_RETRY_MS * (1 << Math.min(failures - 1, DOUBLINGS))
  return timer(Math.min(doubled, LAST_RETRY_MS) * (1 - runtime.random() / 2), runtime.scheduler)
}
