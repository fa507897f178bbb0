import {
  catchError,
  connect,
  defer,
  distinctUntilChanged,
  EMPTY,
  filter,
  map,
  merge,
  type Observable,
  of,
  repeat,
  scan,
  type SchedulerLike,
  switchMap,
  timer,
} from 'rxjs'
import { RpcError, retrySafely } from '../../core/index.js'
import type { StoreRecord } from '../lease-store.js'
import { backoff, type LeasedContext } from './context.js'
import type { Tenancy } from './tenancy.js'

/** Whether a record can be seen by others: it can, unless there is an error that says why not. */
export interface Standing {
  /** Why others may not see it. */
  readonly lost?: RpcError
}

/** Renewals in the life of a lease: two may get lost. */
const RENEWALS = 3
/** The part of a renewal's time that it may come early, so that processes started together do not renew together. */
const JITTER = 0.1
/** The part of its life by which a lease is given up before the server ends it: our clock may be slower than its. */
const MARGIN = 0.1

/** How one renewal ended. */
type Renewal =
  | { readonly kind: 'held' }
  | { readonly kind: 'replaced' }
  | { readonly kind: 'failed'; readonly error: RpcError }

type Event = Renewal | { readonly kind: 'expired' }

/**
 * Keeps a record in the store under the lease of `tenancy`, and tells its standing whenever that changes.
 *
 * It is put there first, in place of whatever holds the key, and from then on it is only claimed: a record that someone
 * else has put over it is left alone, and comes back when that one goes. A lease that the server has forgotten is made
 * again with the record. Ownership is given up by our own clock, before the server ends the lease: what counts is when
 * the last renewal that was confirmed had been asked for. Trouble is tried again, for ever, except a record that is too
 * large: with that it fails.
 */
export function keepAnnounced(record: StoreRecord, tenancy: Tenancy, context: LeasedContext): Observable<Standing> {
  const { store, runtime, ttlMs } = context
  const { scheduler } = runtime
  return defer(() => {
    let isPut = false
    let failures = 0
    let askedAt = -Infinity
    const write = (): Observable<boolean> =>
      isPut ? store.claim(record, tenancy.lease) : store.put(record, tenancy.lease).pipe(map(() => true))
    const renewal$ = defer(() => {
      askedAt = scheduler.now()
      return store.hold(tenancy.lease, ttlMs).pipe(
        switchMap(write),
        map((isOurs): Renewal => {
          failures = 0
          isPut = true
          if (!isOurs) return { kind: 'replaced' }
          tenancy.until = askedAt + ttlMs * (1 - MARGIN)
          return { kind: 'held' }
        }),
        catchError((thrown: unknown) => {
          const error = RpcError.from(thrown, 'UNAVAILABLE')
          if (error.reason === 'record_too_large') throw error
          failures++
          return of<Renewal>({ kind: 'failed', error })
        }),
      )
    })
    /** What counts is when the renewal was asked for: a store that is slow has to be asked again sooner. */
    const pause = (): Observable<0> => {
      if (failures > 0) return backoff(failures, runtime)
      const renewAt = askedAt + (ttlMs / RENEWALS) * (1 - runtime.random() * JITTER)
      return timer(Math.max(0, renewAt - scheduler.now()), scheduler)
    }
    return renewal$.pipe(
      repeat({ delay: pause }),
      connect(renewal$ =>
        merge(
          renewal$,
          renewal$.pipe(
            filter(isAnswered),
            switchMap(renewal => expiry(renewal, tenancy, scheduler)),
          ),
        ),
      ),
      scan(nextState(record, context), UNKNOWN),
      map(({ isAnnounced, trouble }) => (isAnnounced ? ANNOUNCED : trouble && { lost: trouble })),
      filter(standing => standing !== undefined),
      distinctUntilChanged((last, next) => last.lost?.reason === next.lost?.reason),
    )
  })
}

const ANNOUNCED: Standing = Object.freeze({})

/** What is known after each event. */
interface State {
  readonly isAnnounced: boolean
  /** What the last renewal failed with; why it is not announced, when it is not. */
  readonly trouble?: RpcError
}

const UNKNOWN: State = Object.freeze({ isAnnounced: false })
const HELD: State = Object.freeze({ isAnnounced: true })

function isAnswered({ kind }: Renewal): boolean {
  return kind !== 'failed'
}

/** Emits when what a renewal has confirmed is over; what is someone else's cannot expire. */
function expiry({ kind }: Renewal, { until }: Tenancy, scheduler: SchedulerLike): Observable<Event> {
  if (kind === 'replaced') return EMPTY
  return timer(until - scheduler.now(), scheduler).pipe(map(() => ({ kind: 'expired' })))
}

function nextState({ key }: StoreRecord, { store, ttlMs }: LeasedContext): (state: State, event: Event) => State {
  return ({ isAnnounced, trouble }, event) => {
    switch (event.kind) {
      case 'held':
        return HELD
      case 'failed':
        return { isAnnounced, trouble: event.error }
      case 'replaced':
        return { isAnnounced: false, trouble: replaced(key, store.name) }
      case 'expired':
        return { isAnnounced: false, trouble: expired(key, ttlMs, trouble) }
    }
  }
}

function replaced(key: string, store: string): RpcError {
  const message = `${key} in ${store} is held by another process: give each node an id of its own, or stop the other`
  return new RpcError('ALREADY_EXISTS', message, { reason: 'node_replaced' })
}

function expired(key: string, ttlMs: number, cause: RpcError | undefined): RpcError {
  const why = cause === undefined ? 'nothing was heard in time' : cause.rawMessage
  return new RpcError('UNAVAILABLE', `the lease of ${key} was not renewed within its ${ttlMs} ms: ${why}`, {
    reason: 'lease_expired',
    retry: retrySafely,
    cause,
  })
}
