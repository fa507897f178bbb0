import { Observable, Subscriber, Subscription, type Observer, type Unsubscribable } from 'rxjs'
import type { Header, Message } from '../core/index.js'

/** The five kinds of call, by what goes each way. */
export type Kind = 'unary' | 'serverStream' | 'clientStream' | 'duplex' | 'tell'

/** Which endpoint a call is for. One object an endpoint, made once: engines intern it by identity. */
export interface Route {
  /** Name of the contract, and of the service unless it says otherwise. */
  readonly contract: string
  /** Version of the contract the caller was built with. */
  readonly version: string
  /** Name of the endpoint within the contract. */
  readonly endpoint: string
}

interface CallHead {
  /** Which endpoint. */
  readonly route: Route
  /** Names and values that travel with the request: trace, tenant, attempt. */
  readonly header: Header
  /** When the call must have ended, on the clock of the runtime; `undefined` when the caller set no limit. */
  readonly deadline: number | undefined
  /** Calls with the same key go to the same node where the selector supports it. */
  readonly key: string | undefined
}

/** A call with exactly one request. */
export interface SingleCall extends CallHead {
  /** What comes back: one reply, a stream, or nothing. */
  readonly kind: 'unary' | 'serverStream' | 'tell'
  /** The request; `undefined` when the endpoint takes none. */
  readonly body: unknown
}

/** A call whose requests are a stream. Completing it is half-close; its error cancels the call. */
export interface StreamingCall extends CallHead {
  /** What comes back: one reply, or a stream. */
  readonly kind: 'clientStream' | 'duplex'
  /** The requests. At the caller cold; at the receiver subscribed at most once. */
  readonly messages: Observable<Message>
  /** At the receiver: the caller knows streams only, so `kind` may as well be the other one. @default false */
  readonly anyStream?: boolean
}

/** One call, from the view of either side. */
export type Call = SingleCall | StreamingCall

/**
 * Whatever answers calls: a remote node, our own server as a connection sees it, a pool, a balanced group of nodes, a
 * test double.
 *
 * 1. `call` does nothing before its result is subscribed; each subscription is one call.
 * 2. Every call ends: it completes, fails with an `RpcError`, or is cancelled by unsubscribing, which reaches the
 *    handler's teardown. When the peer dies, it fails with UNAVAILABLE.
 * 3. `unary` and `clientStream` give exactly one message, `tell` none and completes when the request is written.
 * 4. Items of streams that came from another process arrive as deliveries (`streams/delivery.ts`).
 */
export interface Peer {
  /** The replies of one call, cold. */
  call(call: Call): Observable<Message>
}

/** Who hears of a call: an observer that says when it wants no more. Every RxJS Subscriber is one. */
export interface ReplyObserver extends Observer<Message> {
  /** Whether it wants no more. */
  readonly closed: boolean
}

/**
 * A peer whose calls can be made without RxJS between: `run(call, replies)` does what `call(call).subscribe(replies)`
 * does, and gives what cancels the call. It tells `replies` nothing after the end or after that was called, and may throw
 * what subscribing would have passed on. For the layers that every call goes through; whoever else writes a peer
 * need not care.
 */
export interface DirectPeer extends Peer {
  /** Makes the call now. */
  run(call: Call, replies: ReplyObserver): Unsubscribable
}

/** Makes a call of any peer, in the shortest way that it has. What it throws fails the call. */
export function runCall(peer: Peer | DirectPeer, call: Call, replies: ReplyObserver): Unsubscribable {
  try {
    if ('run' in peer) return peer.run(call, replies)
    const subscriber = replies instanceof Subscriber ? replies : new ReplySubscriber(replies)
    peer.call(call).subscribe(subscriber)
    return subscriber
  } catch (error) {
    replies.error(error)
    return Subscription.EMPTY
  }
}

/** The calls of a direct peer as Observables: what its `call` gives. */
export function callOf(peer: DirectPeer, call: Call): Observable<Message> {
  return new Observable(subscriber => peer.run(call, subscriber))
}

/** Stops a synchronous source when its observer wants no more. */
class ReplySubscriber extends Subscriber<Message> {
  private readonly replies: ReplyObserver

  constructor(replies: ReplyObserver) {
    super(replies)
    this.replies = replies
  }

  protected override _next(message: Message): void {
    this.replies.next(message)
    if (this.replies.closed) this.unsubscribe()
  }
}

/** Wraps a peer in another: deadlines, tracing, validation, balancing. go-micro's wrappers. */
export type Interceptor = (next: Peer) => Peer

/** `peer` wrapped in `interceptors`; the first is outermost. */
export function intercept(peer: Peer, interceptors: readonly Interceptor[]): Peer {
  return interceptors.reduceRight((next, interceptor) => interceptor(next), peer)
}
