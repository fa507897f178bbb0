import { RpcError, type Header, type Runtime } from '../core/index.js'
import type { Call, Route } from '../protocol/index.js'
import type { Context } from './context.js'

/**
 * The context of one running call, and its teardown: what unsubscribes a call that has not been marked as ended
 * cancels its handler.
 */
export class CallContext implements Context {
  readonly header: Header
  readonly deadline: number | undefined
  readonly route: Route
  readonly runtime: Runtime
  private state: 'running' | 'ended' | 'cancelled'
  private controller: AbortController | undefined

  constructor({ header, deadline, route }: Call, runtime: Runtime) {
    this.header = header
    this.deadline = deadline
    this.route = route
    this.runtime = runtime
    this.state = 'running'
    this.controller = undefined
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController()
      if (this.state === 'cancelled') this.abort()
    }
    return this.controller.signal
  }

  remainingMs(): number {
    return this.deadline === undefined ? Infinity : Math.max(0, this.deadline - this.runtime.scheduler.now())
  }

  /** The call has ended by itself: tearing it down cancels nothing any more. */
  end(): void {
    if (this.state === 'running') this.state = 'ended'
  }

  /** Tears the call down. */
  unsubscribe(): void {
    if (this.state !== 'running') return
    this.state = 'cancelled'
    if (this.controller !== undefined) this.abort()
  }

  private abort(): void {
    const { contract, endpoint } = this.route
    this.controller?.abort(new RpcError('CANCELLED', `${contract}.${endpoint}: the caller is gone`))
  }
}
