import * as E from 'fp-ts/lib/Either.js'
import {
  catchError,
  concat,
  defer,
  EMPTY,
  merge,
  type Observable,
  of,
  Subject,
  Subscription,
  take,
  tap,
  throwError,
  type Unsubscribable,
} from 'rxjs'
import { RpcError, type Message, type Runtime } from '../core/index.js'
import { callOf, type Call, type DirectPeer, type Pool, type ReplyObserver } from '../protocol/index.js'
import type { Node, Registry, Snapshot } from '../registry/index.js'
import {
  explain,
  type Explanation,
  filterNodes,
  type Next,
  type Outcome,
  type Pick,
  type Selector,
} from '../selector/index.js'
import { Attempt, type AttemptOwner } from './attempt.js'
import { explainChanges } from './explain-changes.js'
import { OnceRequests } from './once-requests.js'

/** What a {@link Balanced} peer works with. */
export interface BalancedOptions {
  /** Name of the service whose nodes answer. */
  readonly service: string
  /** Knows the nodes. */
  readonly registry: Registry
  /** Picks one for each call. */
  readonly selector: Selector
  /** Makes the pool of connections to an address. */
  readonly connect: (address: string) => Pool
  /** Protocol that we speak; nodes that say they speak another are left out. */
  readonly protocol: { readonly name: string; readonly transport: string }
  /** Time and chance. */
  readonly runtime: Runtime
}

const ANY: Pick = Object.freeze({})

const NOTHING_KNOWN: Snapshot = { services: [], asOf: -Infinity, stale: true }

/** Where calls to an address go. */
interface Place {
  readonly pool: Pool
  /** How many have gone there. */
  calls: number
}

/**
 * All nodes of a service as one peer: each call goes to the node that the selector picks.
 *
 * 1. The registry is watched from the first call until `close`, or until the watch fails for good: then the calls that
 *    wait fail with its error, and the next call watches anew.
 * 2. Calls made before the first snapshot wait for it; after that the pick is synchronous, and a call that finds no
 *    usable node fails at once.
 * 3. There is one pool an address. When an address is in no snapshot any more, its pool takes no new calls, lets the
 *    running ones end and closes.
 * 4. How each call ended is told to the selector, exactly once for each pick. An error that a handler passed on from
 *    elsewhere tells its code but not its reason, for it says nothing about the connection to the node.
 *    A caller that leaves at its deadline, without an answer, tells DEADLINE_EXCEEDED; any other tells `cancelled`.
 * 5. A call whose request has never left (see `neverLeft`), and whose requests nobody has subscribed, is picked again at
 *    once: at nodes that it was not tried at, at most ten, until its deadline. Then it fails with the last error,
 *    which names those that were tried.
 */
export class Balanced implements DirectPeer, AttemptOwner {
  /** Name of the service whose nodes answer. */
  readonly service: string
  /** Time and chance. */
  readonly runtime: Runtime
  /** How calls ended, hot. Completes when it is closed and every running call has ended. */
  readonly outcomes: Subject<Outcome>
  private readonly options: BalancedOptions
  /** By address. */
  private readonly places: Map<string, Place>
  /** What the selector was given last: nodes that speak our protocol. */
  private snapshot: Snapshot
  private next: Next | undefined
  private nexts: Subject<Next>
  private watching: Subscription | undefined
  private running: number
  private closed: boolean

  constructor(options: BalancedOptions) {
    this.service = options.service
    this.runtime = options.runtime
    this.outcomes = new Subject()
    this.options = options
    this.places = new Map()
    this.snapshot = NOTHING_KNOWN
    this.next = undefined
    this.nexts = new Subject()
    this.watching = undefined
    this.running = 0
    this.closed = false
  }

  call(call: Call): Observable<Message> {
    return callOf(this, call)
  }

  run(call: Call, replies: ReplyObserver): Unsubscribable {
    if (this.next !== undefined && !this.closed) return this.attempt(this.next, call, replies)
    if (this.closed) {
      replies.error(this.clientClosed())
      return Subscription.EMPTY
    }
    const running = new Subscription()
    const attempt = (next: Next): void => running.add(this.attempt(next, call, replies))
    running.add(this.nexts.pipe(take(1)).subscribe({ next: attempt, error: error => replies.error(error) }))
    this.watch()
    return running
  }

  /** Refuses new calls, fails those that wait for a node, and lets running ones end. May be called again. */
  close(): void {
    if (this.closed) return
    this.closed = true
    this.watching?.unsubscribe()
    this.nexts.error(this.clientClosed())
    for (const { pool } of this.places.values()) pool.close()
    this.places.clear()
    if (this.running === 0) this.outcomes.complete()
  }

  started({ address }: Node): Pool {
    this.running++
    const place = this.place(address)
    place.calls++
    return place.pool
  }

  tell(outcome: Outcome): void {
    this.outcomes.next(outcome)
  }

  ended(): void {
    this.running--
    if (this.running === 0 && this.closed) this.outcomes.complete()
  }

  /**
   * Why each node is picked or is not, now and whenever that changes; see `explainChanges`. It watches the registry as a
   * call does, completes when this is closed, and fails when the watch fails for good.
   */
  explain(): Observable<Explanation> {
    const next$ = defer(() => {
      if (this.closed) return EMPTY
      const known$ = this.next === undefined ? EMPTY : of(this.next)
      const watched$ = defer(() => {
        this.watch()
        return EMPTY
      })
      return concat(known$, merge(this.nexts, watched$))
    }).pipe(catchError(error => (this.closed ? EMPTY : throwError(() => error))))
    const picked = ({ address }: Node): number => this.places.get(address)?.calls ?? 0
    return explainChanges({
      next$,
      outcomes$: this.outcomes,
      explain: next => explain(next, { service: this.service, given: this.snapshot, picked }),
      scheduler: this.runtime.scheduler,
    })
  }

  pickAgain({ key }: Call, tried: ReadonlySet<string>): Node | undefined {
    const { next, snapshot } = this
    if (next === undefined || this.closed) return undefined
    if (snapshot.services.every(({ nodes }) => nodes.every(({ id }) => tried.has(id)))) return undefined
    let picked: ReturnType<Next>
    try {
      picked = next({ key, exclude: tried })
    } catch {
      return undefined // the error of the last node says more than one of the selector
    }
    if (E.isLeft(picked)) return undefined
    if (!tried.has(picked.right.id)) return picked.right
    this.tell({ node: picked.right, result: 'cancelled', latencyMs: undefined }) // the others are left out: the pick ends here
    return undefined
  }

  private watch(): void {
    if (this.watching !== undefined) return
    const { service, registry, selector, protocol, runtime } = this.options
    const { name, transport } = protocol
    const speaksOurs = ({ metadata }: Node): boolean =>
      (metadata['protocol'] ?? name) === name && (metadata['transport'] ?? transport) === transport
    const watching = new Subscription() // kept first: the registry may answer at once
    this.watching = watching
    // Deferred, so that a selector or registry that throws fails the watch instead of leaving a dead one.
    const next$ = defer(() =>
      registry.watch(service).pipe(
        tap(snapshot => this.forget(snapshot)),
        filterNodes(`of another protocol than ${name} over ${transport}`, speaksOurs),
        tap(snapshot => (this.snapshot = snapshot)),
        selector({ runtime, outcomes$: this.outcomes }),
      ),
    )
    watching.add(
      next$.subscribe({
        next: next => {
          this.next = next
          this.nexts.next(next)
        },
        error: error => this.lost(error),
      }),
    )
  }

  private lost(error: unknown): void {
    const { nexts } = this
    this.watching = undefined
    this.next = undefined
    this.nexts = new Subject()
    nexts.error(RpcError.from(error, 'UNAVAILABLE').via({ service: this.service, endpoint: '*' }))
  }

  private place(address: string): Place {
    let place = this.places.get(address)
    if (place === undefined) {
      place = { pool: this.options.connect(address), calls: 0 }
      this.places.set(address, place)
    }
    return place
  }

  /** Closes the pools of addresses that are gone. */
  private forget({ services }: Snapshot): void {
    if (this.places.size === 0) return
    const known = new Set(services.flatMap(({ nodes }) => nodes.map(({ address }) => address)))
    for (const [address, { pool }] of this.places) {
      if (known.has(address)) continue
      this.places.delete(address)
      pool.close()
    }
  }

  private attempt(next: Next, call: Call, replies: ReplyObserver): Unsubscribable {
    try {
      const picked = next(call.key === undefined ? ANY : { key: call.key })
      if (E.isRight(picked)) return new Attempt(replies, this, picked.right, repeatable(call)).start()
      replies.error(this.noEndpoint(picked.left, call))
    } catch (error) {
      replies.error(error) // a call that waited has nobody to throw to
    }
    return Subscription.EMPTY
  }

  private noEndpoint(error: RpcError, { route }: Call): RpcError {
    const { code, rawMessage, reason, details, retry, cause } = error
    return new RpcError(code, `service ${this.service}: ${rawMessage}`, {
      reason,
      retry,
      cause,
      hops: [{ service: this.service, endpoint: `${route.contract}.${route.endpoint}` }],
      ...(details !== undefined && { details }),
    })
  }

  private clientClosed(): RpcError {
    const message = `service ${this.service}: the client was closed`
    return new RpcError('FAILED_PRECONDITION', message, { reason: 'client_closed' })
  }
}

/** The call, made so that it can be told whether its requests were subscribed. One request can always be sent again. */
function repeatable(call: Call): Call {
  return 'messages' in call ? { ...call, messages: new OnceRequests(call.messages) } : call
}
