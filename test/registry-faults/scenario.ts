import type { EtcdServer } from '../support/etcd-server.js'
import type { PausingProxy } from '../support/pausing-proxy.js'

/** What a fault can be made of. */
export interface Stage {
  /** etcd itself. */
  readonly server: EtcdServer
  /** What lies between etcd and the process whose nodes live on. */
  readonly owner: PausingProxy
  /** What lies between etcd and the process that watches. */
  readonly watcher: PausingProxy
}

/** A fault, from which everybody recovers. */
export interface Scenario {
  /** What happens. */
  readonly name: string
  /** How long it lasts, ms. */
  readonly lastsMs: number
  /** Time to live of what is registered, ms. */
  readonly ttlMs: number
  /**
   * Whether the watcher sees all the while what etcd has: then who dies is gone in time although nobody has recovered, and
   * who is cut off knows that he is lost before anybody else does. @default false
   */
  readonly isSeen?: boolean
  /** Begins it. */
  readonly begin: (stage: Stage) => Promise<void> | void
  /** Goes on with it when half of it is over. @default nothing */
  readonly halfway?: (stage: Stage) => Promise<void>
  /** Ends it: etcd answers everybody when that has settled. */
  readonly heal: (stage: Stage) => Promise<void> | void
}
