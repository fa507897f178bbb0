import type { Expectations } from './expectations.js'
import type { ObservableKit } from './observable-kit.js'
import type { VirtualTime } from './virtual-time.js'

/** What lanes are made of. */
export interface LaneContext {
  /** Makes sources, and expects things of them. */
  readonly kit: ObservableKit
  /** The virtual time of the spec. */
  readonly time: VirtualTime
  /** Where work that is left over is told. */
  readonly expectations: Expectations
}
