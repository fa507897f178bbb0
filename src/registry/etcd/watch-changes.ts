import type { IEvent, IWatchRequest, IWatchResponse } from 'etcd3'
import { concat, filter, interval, map, type Observable, of, throwError, timeout } from 'rxjs'
import type { StoreChange, StoreChanges } from '../lease-store.js'
import { duplex } from './duplex.js'
import type { ResolvedEtcdOptions } from './etcd-options.js'
import type { EtcdMember } from './etcd-clients.js'
import { compacted, noAnswer, watchCancelled } from './etcd-error.js'
import { prefixRange } from './prefix-range.js'

/** What is watched. */
export interface Watched {
  /** What the keys begin with. */
  readonly prefix: string
  /** The last revision that is known. */
  readonly after: number
}

/**
 * The changes under a prefix. Every `confirmMs` the member is asked where it is, and when nothing of it is heard for
 * `callTimeoutMs` after that, the stream fails: a connection may look alive for minutes after it is dead.
 */
export function watchChanges(
  { client, endpoint }: EtcdMember,
  { prefix, after }: Watched,
  { confirmMs, callTimeoutMs, runtime }: ResolvedEtcdOptions,
): Observable<StoreChanges> {
  const { scheduler } = runtime
  const watch: IWatchRequest = {
    create_request: { ...prefixRange(prefix), start_revision: after + 1, fragment: true },
  }
  const request$ = concat(
    of(watch),
    interval(confirmMs, scheduler).pipe(map((): IWatchRequest => ({ progress_request: {} }))),
  )
  const ended$ = throwError(() => watchCancelled(endpoint, 'the watch was ended'))
  return concat(
    duplex(() => client.watchClient.watch(), request$),
    ended$,
  ).pipe(
    timeout({
      each: confirmMs + callTimeoutMs,
      scheduler,
      with: () => {
        throw noAnswer(endpoint, confirmMs + callTimeoutMs)
      },
    }),
    filter(answer => {
      const { canceled, compact_revision, cancel_reason } = answer
      if (canceled && compact_revision !== '0') throw compacted(endpoint, compact_revision)
      if (canceled) throw watchCancelled(endpoint, cancel_reason)
      return !answer.created
    }),
    map(changesOf),
  )
}

function changesOf({ header, events }: IWatchResponse): StoreChanges {
  const revision = events.at(-1)?.kv.mod_revision ?? header.revision
  return { revision: Number(revision), changes: events.map(changeOf) }
}

function changeOf({ type, kv: { key, value } }: IEvent): StoreChange {
  return type === 'Delete' ? { key: key.toString() } : { key: key.toString(), value: value.toString() }
}
