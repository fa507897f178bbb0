import { BehaviorSubject, Subscription, type Observable, type Subject, type Subscriber } from 'rxjs'
import { retrySafely, RpcError, type Runtime } from '../../core/index.js'
import type { MemoryLinkState } from '../../transport/index.js'
import { StoreLane } from './store-lane.js'

/** A server that processes connect to: a store, or the logs of a broker. */
export interface SimulatedServer {
  /** Whether it does not answer. */
  readonly isDown: boolean
  /** Emits when its process dies: whatever was connected to it is not any more. */
  readonly crashed$: Subject<void>
}

/** The way from a process to a server. */
export interface ServerPath<S extends SimulatedServer> {
  /** What it is called in errors: `the simulated store`. */
  readonly title: string
  /** The reason of those errors. */
  readonly reason: string
  /** The server at its end. */
  readonly store: S
  /** Time of the store. */
  readonly storeRuntime: Runtime
  /** Time of the process. */
  readonly runtime: Runtime
  /** Whether the process runs: one that does not sends nothing, and hears nothing. */
  readonly isLive: () => boolean
  /** The condition of a connection that is made now. */
  readonly link$: Observable<MemoryLinkState>
  /** How long the next packet takes to the store, ms. */
  readonly toStoreMs: () => number
  /** How long the next packet takes to the process, ms. */
  readonly toProcessMs: () => number
}

/** What goes on at the store for who follows it; `passing$` says whether what it emits gets through now. */
export type Served<T, S> = (store: S, passing$: Observable<boolean>) => Observable<T>

/**
 * A connection to the store, as TCP makes them: while nothing passes, what is sent waits and then arrives, however late
 * that is; when it breaks, or the store dies, what was under way is lost.
 */
export class StoreConnection<S extends SimulatedServer> {
  /** Whether it is of no use any more. */
  isLost: boolean
  private readonly path: ServerPath<S>
  private readonly store: S
  private readonly isLive: () => boolean
  private readonly there: StoreLane
  private readonly back: StoreLane
  private readonly passing$: BehaviorSubject<boolean>
  /** How to fail who waits for an answer. */
  private readonly attempts: Set<(error: unknown) => void>
  /** What the store does for it. */
  private readonly served: Subscription
  private readonly link: Subscription
  /** Whether the store knows it. */
  private isAccepted: boolean
  private isRefused: boolean

  constructor(path: ServerPath<S>) {
    const { store, storeRuntime, runtime, isLive, link$, toStoreMs, toProcessMs } = path
    this.isLost = false
    this.path = path
    this.store = store
    this.isLive = isLive
    this.there = new StoreLane(storeRuntime.scheduler, toStoreMs)
    this.back = new StoreLane(runtime.scheduler, toProcessMs)
    this.passing$ = new BehaviorSubject(true)
    this.attempts = new Set()
    this.served = new Subscription()
    this.isAccepted = false
    this.isRefused = false
    this.link = new Subscription()
    this.link.add(link$.subscribe(state => this.enter(state)))
  }

  /** Sends a request; its answer arrives at `attempt`, unless the connection is lost before. */
  ask<T>(answer: (store: S) => T, attempt: Subscriber<T>): void {
    this.send(attempt, () => {
      try {
        const value = answer(this.store)
        this.back.send(() => {
          attempt.next(value)
          attempt.complete()
        })
      } catch (error) {
        this.back.send(() => attempt.error(error))
      }
    })
  }

  /** Sends a request that has many answers, until `attempt` is unsubscribed. */
  follow<T>(serve: Served<T, S>, attempt: Subscriber<T>): void {
    const serving = new Subscription()
    attempt.add(() => this.there.send(() => serving.unsubscribe()))
    this.send(attempt, () => {
      this.served.add(serving)
      serving.add(
        serve(this.store, this.passing$).subscribe({
          next: value => this.back.send(() => attempt.next(value)),
          error: error => this.back.send(() => attempt.error(error)),
          complete: () => this.back.send(() => attempt.complete()),
        }),
      )
    })
  }

  /** Sends something that is not answered. */
  tell(arrive: () => void): void {
    if (!this.isLive()) return
    this.there.send(() => {
      if (this.accept()) arrive()
    })
  }

  /** Who had it is gone. */
  lose(): void {
    if (this.isLost) return
    this.isLost = true
    this.there.cut()
    this.back.cut()
    this.served.unsubscribe()
    this.link.unsubscribe()
    if (this.isLive()) for (const fail of [...this.attempts]) fail(connectionLost(this.path))
  }

  private send<T>(attempt: Subscriber<T>, arrive: () => void): void {
    if (!this.isLive()) return
    const fail = (error: unknown): void => attempt.error(error)
    this.attempts.add(fail)
    attempt.add(() => this.attempts.delete(fail))
    this.there.send(() => {
      if (this.accept()) arrive()
    })
  }

  /** The store takes what arrives, unless it is down, or was since the first time. */
  private accept(): boolean {
    if (!this.isAccepted && !this.store.isDown) {
      this.isAccepted = true
      this.served.add(this.store.crashed$.subscribe(() => this.refuse()))
    }
    if (!this.isAccepted) this.refuse()
    return !this.isRefused
  }

  private refuse(): void {
    if (this.isRefused) return
    this.isRefused = true
    this.served.unsubscribe()
    this.back.send(() => this.lose())
  }

  private enter(state: MemoryLinkState): void {
    if (state === 'lost') return this.lose()
    const isFrozen = state === 'frozen'
    this.there.freeze(isFrozen)
    this.back.freeze(isFrozen)
    this.passing$.next(!isFrozen)
  }
}

function connectionLost({ title, reason }: Pick<ServerPath<SimulatedServer>, 'title' | 'reason'>): RpcError {
  return new RpcError('UNAVAILABLE', `${title}: the connection is lost`, { reason, retry: retrySafely })
}
