import type { Subscription } from 'rxjs'
import type { JavaPeer } from './java-peer.js'

/** What carries the frames. */
export type Carrier = 'tcp' | 'ws'

/** What the foreign peer is; millrace is the other one. */
export type Role = 'client' | 'server'

/** Something that both peers should do together, tried with the foreign one in either role, or in one. */
export interface Feature {
  /** What, as the report says it. */
  readonly name: string
  /** Tries it with a foreign client. Fails when the peers do not agree; throws {@link Skipped} when it cannot be tried. */
  readonly client?: (bench: Bench) => Promise<void>
  /** Tries it with a foreign server. */
  readonly server?: (bench: Bench) => Promise<void>
}

/** What a feature is tried with. */
export interface Bench {
  /** The foreign peer, which may do several things at once. */
  readonly java: JavaPeer
  /** What carries the frames. */
  readonly carrier: Carrier
  /** What has to be unsubscribed at the end. */
  readonly cleanup: Subscription
}

/** Why a feature was not tried. */
export class Skipped extends Error {}

/** One line of the report. */
export interface Row {
  readonly peer: string
  /** What the foreign peer does. */
  readonly role: Role | 'registers' | 'looks'
  /** What they meet over. */
  readonly transport: Carrier | 'etcd' | 'mdns'
  readonly feature: string
  readonly result: 'pass' | 'fail' | 'skipped'
  /** Why it failed or was skipped. */
  readonly reason?: string
  readonly ms: number
}
