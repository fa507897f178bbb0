import type { Fault } from 'millrace/testing'

/** How long a cluster may take to be itself again after a fault, ms: the lease of a dead process, and its end. */
const RECOVERY_MS = 6000

/** Whether one of the faults, or what is left of it, falls into a span of time, ms. */
export function faultTouches(faults: readonly Fault[], from: number, to: number): boolean {
  return faults.some(({ at, ms }) => at <= to && at + ms + RECOVERY_MS >= from)
}
