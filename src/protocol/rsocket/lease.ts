import { chain, map as mapRight, right } from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { isObservable, map, startWith, timer, type Observable, type SchedulerLike } from 'rxjs'
import { having, integer, resolveOptions, type Check } from '../../core/index.js'
import { MAX_31_BITS } from './frame.js'

/** Leave to make requests; a new one takes the place of the one before it, whatever is left of that. */
export interface Lease {
  /** How long it is good for, ms from its arrival; 0 takes the leave away. At most 2³¹ − 1. */
  readonly ttlMs: number
  /** How many requests it is good for; 0 takes the leave away. At most 2³¹ − 1. */
  readonly requests: number
}

/** What one side lets the other ask of it: so many requests a second, or the leases of an Observable, one after another. */
export type LeaseGrant = { readonly perSecond: number } | Observable<Lease>

/** Checks a {@link LeaseGrant}. */
export const leaseGrant: Check<LeaseGrant> = (value, name) => {
  if (isObservable(value)) return right(value as Observable<Lease>)
  const perSecond = integer({ min: 1, max: MAX_31_BITS })
  return pipe(
    having<{ readonly perSecond: number }>('perSecond')(value, name),
    chain(grant =>
      pipe(
        perSecond(grant.perSecond, `${name}.perSecond`),
        mapRight(() => grant),
      ),
    ),
  )
}

/** The leases of a grant, from now on. */
export function leasesOf(grant: LeaseGrant, scheduler: SchedulerLike): Observable<Lease> {
  if (isObservable(grant)) return grant.pipe(map(checked))
  // Good for longer than until the next one, which may be late.
  const lease: Lease = { ttlMs: 2 * RENEW_MS, requests: grant.perSecond }
  return timer(RENEW_MS, RENEW_MS, scheduler).pipe(
    map(() => lease),
    startWith(lease), // before the requests that come right behind SETUP
  )
}

const RENEW_MS = 1000

/** Throws INVALID_ARGUMENT (reason `invalid_options`): a misspelt field would otherwise be no limit. */
function checked(lease: Lease): Lease {
  const number = integer({ min: 0, max: MAX_31_BITS })
  return resolveOptions<Lease>('lease', { ttlMs: number, requests: number }, lease)
}

/** What is left of the newest lease. */
export class LeaseBudget {
  private readonly scheduler: SchedulerLike
  private left: number
  private until: number

  /** Nothing is leased yet. */
  constructor(scheduler: SchedulerLike) {
    this.scheduler = scheduler
    this.left = 0
    this.until = 0
  }

  /** A new lease takes the place of the last. */
  renew({ ttlMs, requests }: Lease): void {
    this.left = requests
    this.until = this.scheduler.now() + ttlMs
  }

  /** Uses one request up. False when there is none. */
  take(): boolean {
    if (this.left <= 0 || this.scheduler.now() >= this.until) return false
    this.left--
    return true
  }
}
