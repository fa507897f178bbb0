import type { Invariant } from '../observed.js'

/** What is checked in every simulation that does not say otherwise. */
export const standardInvariants: readonly Invariant[] = []
