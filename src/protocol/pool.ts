import type { Observable } from 'rxjs'
import type { Runtime } from '../core/index.js'
import type { Peer } from './peer.js'
import type { Connection } from './protocol.js'

/** Options of {@link pool}. */
export interface PoolOptions {
  /** Most connections open at once; calls go to the one with the fewest running. @default 1 */
  readonly maxConnections?: number
  /** How long a connection without calls is kept, ms. @default 60_000 */
  readonly idleMs?: number
  /** How long a connection takes new calls before it is drained and replaced, ms, ± 10 %. @default Infinity */
  readonly maxAgeMs?: number
  /** Time and chance. @default systemRuntime() */
  readonly runtime?: Runtime
}

/** A peer that opens, shares and closes connections to one address as calls come and go. */
export interface Pool extends Peer {
  /** Refuses new calls with UNAVAILABLE, lets running ones end, then closes the connections. May be called again. */
  close(): void
}

/**
 * A peer over `connect`, a cold observable of one connection. It connects when the first call comes, not before, and
 * again when a call comes after a connection has ended. Calls made while it connects wait; when connecting fails they
 * fail with that error, which says `retry.safe`, for nothing was sent.
 */
export declare function pool(connect: Observable<Connection>, options?: PoolOptions): Pool
