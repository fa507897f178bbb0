import { GRPCNotFoundError, EtcdLeaseInvalidError, type Etcd3 } from 'etcd3'
import { catchError, defer, from, last, map, type Observable, of, switchMap, timeout } from 'rxjs'
import type { LeaseId } from '../lease-store.js'
import type { ResolvedEtcdOptions } from './etcd-options.js'
import type { EtcdMember } from './etcd-clients.js'
import { noAnswer } from './etcd-error.js'
import { duplex } from './duplex.js'

/** Keeps a lease, or makes it when there is none of that id. */
export function holdLease(
  member: EtcdMember,
  lease: LeaseId,
  ttlMs: number,
  options: ResolvedEtcdOptions,
): Observable<void> {
  const { leaseClient } = member.client
  const make$ = defer(() => leaseClient.leaseGrant({ ID: lease, TTL: Math.ceil(ttlMs / 1000) }))
  return keepAlive(member, lease, options).pipe(
    switchMap(isKept => (isKept ? of(undefined) : make$)),
    map(() => undefined),
  )
}

/** Ends a lease; one that does not exist has ended. */
export function revokeLease({ leaseClient }: Etcd3, lease: LeaseId): Observable<void> {
  return from(leaseClient.leaseRevoke({ ID: lease })).pipe(
    catchError((error: unknown) => {
      if (error instanceof EtcdLeaseInvalidError || error instanceof GRPCNotFoundError) return of(undefined)
      throw error
    }),
    map(() => undefined),
  )
}

/** Renews a lease once, and says whether there is one. */
function keepAlive(
  { client, endpoint }: EtcdMember,
  lease: LeaseId,
  { callTimeoutMs, runtime }: ResolvedEtcdOptions,
): Observable<boolean> {
  return duplex(() => client.leaseClient.leaseKeepAlive(), of({ ID: lease })).pipe(
    last(), // waits for the end of the stream: one that is cancelled costs the connection
    map(({ TTL }) => Number(TTL) > 0),
    timeout({
      first: callTimeoutMs,
      scheduler: runtime.scheduler,
      with: () => {
        throw noAnswer(endpoint, callTimeoutMs)
      },
    }),
  )
}
