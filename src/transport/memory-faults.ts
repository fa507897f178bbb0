import type { Observable } from 'rxjs'

/**
 * Condition of a link between two ends of a memory network.
 *
 * `up`: frames arrive. `frozen`: nothing arrives and nobody is told, as with a cable pulled or a process stopped; what
 * was sent arrives when the link is up again. `lost`: broken for good, both ends fail with `connection_lost`.
 */
export type MemoryLinkState = 'up' | 'frozen' | 'lost'

/** One connection of a memory network, from the moment it is dialled. */
export interface MemoryLink {
  /** Number of the dial in this network, from 0. */
  readonly index: number
  /** Address of the dialling end. */
  readonly from: string
  /** Address that was dialled. */
  readonly to: string
}

/** A frame that is being sent over a link. */
export interface MemoryFrame {
  /** The link it takes. */
  readonly link: MemoryLink
  /** Which end it goes to. */
  readonly toward: 'listener' | 'dialer'
  /** Its number in this direction of this link, from 0. */
  readonly index: number
  /** The whole frame; not to be written. */
  readonly bytes: Uint8Array
}

/**
 * What goes wrong in a memory network, as functions of what happens in it. They must not throw, and in a repeatable
 * run depend on nothing but their argument and the runtime.
 */
export interface MemoryFaults {
  /**
   * The condition of each new link over time; `up` until it emits. A link that is `lost` before it is open refuses the
   * dial. Subscribed at the dial, unsubscribed when the link has ended.
   */
  readonly link?: (link: MemoryLink) => Observable<MemoryLinkState>
  /**
   * What becomes of a frame: a number delays it by so many ms beyond the latency (order is kept, so what follows waits,
   * too), a state is entered before it arrives: `lost` at the n-th frame cuts the connection there.
   */
  readonly frame?: (frame: MemoryFrame) => number | MemoryLinkState
}
