import type { RpcError } from '../core/index.js'
import type { Instance } from '../registry/index.js'

/** Why a service stops: `stop` emitted, or the name of the signal that came. */
export type StopCause = 'stop' | 'SIGINT' | 'SIGTERM'

/**
 * Where a running service is. It goes from `starting` over `listening` and `registered` to `draining` and `stopped`;
 * `unregistered` may come between, as often as the registry loses or refuses an instance or `health` says false, and
 * `registered` again after it.
 */
export type Status =
  | { readonly state: 'starting' }
  /** Calls are answered at `address`. */
  | { readonly state: 'listening'; readonly address: string }
  /** Every instance is announced. */
  | { readonly state: 'registered'; readonly instances: readonly Instance[] }
  /**
   * Others may not see an instance: the registry is down, has lost or refused it, and tries again; or it is not healthy
   * (reason `unhealthy`), until it is.
   */
  | { readonly state: 'unregistered'; readonly instance: Instance; readonly error: RpcError }
  /** Goodbye is said, no new calls and events are taken, running ones end. */
  | { readonly state: 'draining'; readonly cause: StopCause }
  /** The end. `aborted` says that running calls or handlers of topics were cut off: the time was up, or a second signal came. */
  | { readonly state: 'stopped'; readonly aborted: boolean }
