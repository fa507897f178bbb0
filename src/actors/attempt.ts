import type { Unsubscribable } from 'rxjs'
import { RpcError, type Json, type Message, type Runtime } from '../core/index.js'
import { runCall, type Call, type Peer, type ReplyObserver } from '../protocol/index.js'
import type { Node } from '../registry/index.js'
import type { Outcome } from '../selector/index.js'
import { neverLeft } from './never-left.js'
import { OnceRequests } from './once-requests.js'

/** Most nodes that one call is tried at. */
export const MAX_TRIED_NODES = 10

/** Whose calls are tried. */
export interface AttemptOwner {
  /** Name of the service whose nodes answer. */
  readonly service: string
  /** Time and chance. */
  readonly runtime: Runtime
  /** A try begins at the node that was picked for it. */
  started(node: Node): Peer
  /** Tells the selector how a try went, exactly once each. */
  tell(outcome: Outcome): void
  /** A try has ended. */
  ended(): void
  /** Another node than those that were tried, if there is one that can be picked now. */
  pickAgain(call: Call, tried: ReadonlySet<string>): Node | undefined
}

/**
 * A call at the node that was picked for it. When its request cannot leave, the next attempt takes its place: the caller
 * keeps the first one, and each passes on that the caller has left.
 */
export class Attempt implements ReplyObserver, Unsubscribable {
  private readonly replies: ReplyObserver
  private readonly owner: AttemptOwner
  private readonly node: Node
  private readonly call: Call
  private readonly startedAt: number
  private readonly tried: Set<string> | undefined
  private firstAfterMs: number | undefined
  private running: Unsubscribable | undefined
  private told: boolean
  private ended: boolean
  private left: boolean

  constructor(replies: ReplyObserver, owner: AttemptOwner, node: Node, call: Call, tried?: Set<string>) {
    this.replies = replies
    this.owner = owner
    this.node = node
    this.call = call
    this.startedAt = owner.runtime.scheduler.now()
    this.tried = tried
    this.firstAfterMs = undefined
    this.running = undefined
    this.told = false
    this.ended = false
    this.left = false
  }

  get closed(): boolean {
    return this.ended || this.replies.closed
  }

  /** Makes the call. */
  start(): this {
    try {
      const running = runCall(this.owner.started(this.node), this.call, this)
      if (this.left) running.unsubscribe()
      else if (!this.ended) this.running = running
    } catch (error) {
      this.error(error) // the selector counts the call as running until it is told of its end
    }
    return this
  }

  next(message: Message): void {
    this.firstAfterMs ??= this.elapsedMs()
    const { kind } = this.call
    // The one reply is the end, also for a caller that takes it and leaves.
    if (kind === 'unary' || kind === 'clientStream') this.tell('ok', this.latencyMs())
    this.replies.next(message)
  }

  error(thrown: unknown): void {
    const error = RpcError.from(thrown)
    const passedOn = error.hops.length > 0
    const here = neverLeft(error)
    this.end(error.code, here ? undefined : this.latencyMs(), passedOn ? undefined : error.reason)
    if (passedOn) this.replies.error(error)
    else if (here && this.mayGoElsewhere()) this.goElsewhere(error)
    else this.fail(error)
  }

  complete(): void {
    this.end('ok', this.latencyMs())
    this.replies.complete()
  }

  /** The caller has left. */
  unsubscribe(): void {
    this.left = true
    if (this.isOverdue()) this.end('DEADLINE_EXCEEDED', this.latencyMs(), 'deadline_exceeded')
    else this.end('cancelled', this.latencyMs())
    this.running?.unsubscribe()
  }

  /** Whether nothing has been done for the call but trying to send it, and somebody still waits for it. */
  private mayGoElsewhere(): boolean {
    if (this.left || this.replies.closed || this.isLate()) return false
    const { call } = this
    return !('messages' in call && call.messages instanceof OnceRequests && call.messages.wereSubscribed)
  }

  private goElsewhere(error: RpcError): void {
    const { call, owner, replies } = this
    const tried = this.tried ?? new Set()
    tried.add(this.node.id)
    const node = tried.size < MAX_TRIED_NODES ? owner.pickAgain(call, tried) : undefined
    if (node === undefined) {
      this.fail(tried.size > 1 ? afterTries(error, tried) : error)
      return
    }
    const next = new Attempt(replies, owner, node, call, tried)
    this.running = next // before it starts, for the caller may leave in that turn
    next.start()
  }

  private fail(error: RpcError): void {
    const { contract, endpoint } = this.call.route
    this.replies.error(
      error.via({ service: this.owner.service, endpoint: `${contract}.${endpoint}`, node: this.node.id }),
    )
  }

  private end(result: Outcome['result'], latencyMs: number | undefined, reason?: string): void {
    this.tell(result, latencyMs, reason)
    if (this.ended) return
    this.ended = true
    this.owner.ended()
  }

  private tell(result: Outcome['result'], latencyMs: number | undefined, reason?: string): void {
    if (this.told) return
    this.told = true
    const { node, owner } = this
    owner.tell(reason === undefined ? { node, result, latencyMs } : { node, result, latencyMs, reason })
  }

  /** Deadlines are kept by who calls us: they leave, as others do. */
  private isOverdue(): boolean {
    return this.firstAfterMs === undefined && this.isLate()
  }

  private isLate(): boolean {
    const { deadline } = this.call
    return deadline !== undefined && this.owner.runtime.scheduler.now() >= deadline
  }

  /** What the call tells of how fast its node is: see `Outcome.latencyMs`. */
  private latencyMs(): number | undefined {
    const { kind } = this.call
    if (kind === 'serverStream') return this.firstAfterMs
    return kind === 'unary' ? (this.firstAfterMs ?? this.elapsedMs()) : undefined
  }

  private elapsedMs(): number {
    return this.owner.runtime.scheduler.now() - this.startedAt
  }
}

/** The error of the last node, which also tells of the others. */
function afterTries(error: RpcError, tried: ReadonlySet<string>): RpcError {
  const { code, reason, rawMessage, retry, cause, details } = error
  return new RpcError(code, `${rawMessage}; ${tried.size} nodes were tried`, {
    reason,
    retry,
    cause,
    details: { ...(isRecord(details) && details), tried: [...tried] },
  })
}

function isRecord(details: Json | undefined): details is { readonly [key: string]: Json } {
  return typeof details === 'object' && details !== null && !Array.isArray(details)
}
