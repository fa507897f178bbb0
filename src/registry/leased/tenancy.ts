import { catchError, defer, EMPTY, ignoreElements, type Observable, retry } from 'rxjs'
import type { Runtime } from '../../core/index.js'
import type { LeaseId } from '../lease-store.js'
import { backoff, type LeasedContext } from './context.js'

/** A registration's claim to one key, under one lease from the first announcement to the goodbye. */
export interface Tenancy {
  /** The key of the record. */
  readonly key: string
  /** Its lease, known to nobody else. */
  readonly lease: LeaseId
  /** Until when nobody else can hold it, on our clock, ms; `-Infinity` when that was never so. */
  until: number
}

/** Hex digits of an id that fit into 63 bits. */
const LEASE_DIGITS = 15

/** Claims a key; nothing is asked of the store yet. */
export function tenancyOf(key: string, runtime: Runtime): Tenancy {
  // The id is ours to choose, so that a request which was not answered can be made again and is still the same lease.
  const lease = BigInt(`0x${runtime.id().slice(0, LEASE_DIGITS)}`) + 1n
  return { key, lease: lease.toString(), until: -Infinity }
}

/**
 * Ends a tenancy: its record goes with its lease, and a record that someone else has put over it stays. Completes when
 * that is acknowledged, or when it is tried for as long as anyone could still see the record. Never fails.
 */
export function leave({ lease, until }: Tenancy, { store, runtime }: LeasedContext): Observable<never> {
  const again = (error: unknown, failures: number): Observable<0> => {
    if (runtime.scheduler.now() >= until) throw error
    return backoff(failures, runtime)
  }
  return defer(() => store.release(lease)).pipe(
    retry({ delay: again }),
    catchError(() => EMPTY), // it ends by itself
    ignoreElements(),
  )
}
