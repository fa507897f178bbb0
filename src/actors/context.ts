import type { Header, Runtime } from '../core/index.js'
import type { Route } from '../protocol/index.js'

/** What a handler knows about the call that it answers, besides the request. */
export interface Context {
  /** Names and values that came with the request. */
  readonly header: Header
  /** When the call must have ended, on the clock of `runtime`, ms; `undefined` when the caller set no limit. */
  readonly deadline: number | undefined
  /** Aborts, in the same turn, when the caller is gone: cancelled, out of time, or disconnected. Made when first read. */
  readonly signal: AbortSignal
  /** Which endpoint was called. */
  readonly route: Route
  /** Time and chance of the server. */
  readonly runtime: Runtime
  /** Time left until the deadline, ms: 0 when it has passed, `Infinity` when there is none. */
  remainingMs(): number
}
