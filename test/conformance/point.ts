import type { Lab, Network } from './rig.js'

/** A point of the conformance checklist of RSocket 1.0. */
export interface Point {
  /** Its number, which is stable: code and documents cite it. */
  readonly number: number
  /** What holds. */
  readonly title: string
  /** Networks that it says nothing about, and why. */
  readonly notOver?: { readonly [N in Network]?: string }
  /** Fails when it does not hold. */
  readonly run: (lab: Lab) => Promise<void>
}
