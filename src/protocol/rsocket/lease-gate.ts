import type { Subscription, Unsubscribable } from 'rxjs'
import { RpcError, retrySafely, type Log } from '../../core/index.js'
import { LeaseBudget, type Lease } from './lease.js'
import { logTeardown, type Multiplexer } from './multiplexer.js'

/** Most requests that wait for the first lease. */
export const MAX_WAITING_REQUESTS = 256

/** A request that can be made later. */
export interface HeldRequest {
  /** Makes it. */
  open(): Unsubscribable
  /** It will not be made. */
  fail(error: RpcError): void
}

/**
 * Keeps our requests within the leases of the peer. Until the first lease nothing is known, so requests wait; after it, a
 * request that has no leave is refused at once, for it may find leave elsewhere.
 */
export class LeaseGate {
  private readonly remote: string
  private readonly log: Log
  private readonly budget: LeaseBudget
  private readonly timer: Subscription
  private waiting: Set<WaitingRequest> | undefined

  /** Requests wait for the first lease for at most `firstLeaseMs`. */
  constructor(remote: string, { runtime, log }: Pick<Multiplexer, 'runtime' | 'log'>, firstLeaseMs: number) {
    const { scheduler } = runtime
    this.remote = remote
    this.log = log
    this.budget = new LeaseBudget(scheduler)
    this.waiting = new Set()
    this.timer = scheduler.schedule(() => this.end(this.refusal(`none came within ${firstLeaseMs} ms`)), firstLeaseMs)
  }

  /** A LEASE has come. */
  renew(lease: Lease): void {
    this.timer.unsubscribe()
    this.budget.renew(lease)
    this.settle(request => request.admit())
  }

  /** Makes a request when there is leave, or refuses it. */
  pass(request: HeldRequest): Unsubscribable {
    const { waiting } = this
    const held = new WaitingRequest(request, this)
    if (waiting === undefined) held.admit()
    else if (waiting.size >= MAX_WAITING_REQUESTS) held.fail(this.refusal(`${waiting.size} requests wait for one`))
    else waiting.add(held)
    return held
  }

  /** Whether there is leave for a request, which is used up. */
  take(): boolean {
    return this.budget.take()
  }

  /** Why a request is refused. */
  refusal(what = 'the last one is used up or over'): RpcError {
    return new RpcError('RESOURCE_EXHAUSTED', `no lease of ${this.remote}: ${what}`, {
      reason: 'no_lease',
      retry: retrySafely,
    })
  }

  /** A request is not wanted any more. */
  forget(request: WaitingRequest): void {
    this.waiting?.delete(request)
  }

  /** Nothing more will come: what waits fails. */
  end(error: RpcError): void {
    this.timer.unsubscribe()
    this.settle(request => request.fail(error))
  }

  private settle(how: (request: WaitingRequest) => void): void {
    const { waiting } = this
    this.waiting = undefined
    for (const request of waiting ?? []) {
      try {
        how(request)
      } catch (thrown) {
        logTeardown(this.log, thrown) // the others must hear of it, too
      }
    }
  }
}

class WaitingRequest implements Unsubscribable {
  private readonly request: HeldRequest
  private readonly gate: LeaseGate
  private running: Unsubscribable | undefined
  private ended: boolean

  constructor(request: HeldRequest, gate: LeaseGate) {
    this.request = request
    this.gate = gate
    this.running = undefined
    this.ended = false
  }

  admit(): void {
    if (this.ended) return
    if (!this.gate.take()) {
      this.fail(this.gate.refusal())
      return
    }
    this.running = this.request.open()
    if (this.ended) this.running.unsubscribe() // by a source of requests, while it was subscribed
  }

  fail(error: RpcError): void {
    if (this.ended) return
    this.ended = true
    this.request.fail(error)
  }

  unsubscribe(): void {
    this.ended = true
    this.gate.forget(this)
    this.running?.unsubscribe()
  }
}
