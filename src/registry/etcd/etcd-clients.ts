import { Etcd3, type IOptions } from 'etcd3'
import {
  catchError,
  defer,
  first,
  ignoreElements,
  Observable,
  of,
  ReplaySubject,
  retry,
  share,
  switchMap,
  throwError,
  type ObservableInput,
} from 'rxjs'
import type { RpcError } from '../../core/index.js'
import { callLimits } from './call-limits.js'
import type { EtcdTls, ResolvedEtcdOptions } from './etcd-options.js'
import { etcdError } from './etcd-error.js'

/** A member of the cluster and the client that talks to it alone. */
export interface EtcdMember {
  /** Where it is, `host:port`. */
  readonly endpoint: string
  /** Talks to it; closed when nothing is subscribed any more. */
  readonly client: Etcd3
}

/** The members of a cluster, and which of them is asked. */
export interface EtcdClients {
  /** Keeps the clients for as long as it is subscribed. Emits nothing, never ends. */
  readonly open$: Observable<never>
  /** Asks the member that answered last, and when it is unavailable the others: one answer. */
  ask<T>(request: (member: EtcdMember) => ObservableInput<T>): Observable<T>
  /** Follows a stream of the member that answered last; when it fails as unavailable, the next one is asked from then on. */
  follow<T>(stream: (member: EtcdMember) => Observable<T>): Observable<T>
}

/** Time between two pings of a connection, ms; etcd closes those that ping more often than every 5 s. */
const KEEPALIVE_MS = 10_000
/** Most bytes of one answer: a page of a listing, or one change. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024

/** The clients of a cluster's members; none is made before it is needed. */
export function etcdClients(options: ResolvedEtcdOptions): EtcdClients {
  const { endpoints, runtime } = options
  let current = Math.floor(runtime.random() * endpoints.length)
  // One client a member: the client's own choice is by chance, and its errors do not name who failed.
  const members$ = new Observable<readonly EtcdMember[]>(subscriber => {
    const members = endpoints.map(endpoint => ({ endpoint, client: new Etcd3(clientOptions(endpoint, options)) }))
    subscriber.next(members)
    return () => {
      for (const { client } of members) client.close()
    }
  }).pipe(share({ connector: () => new ReplaySubject(1) }))

  const ofMember = <T>(use: (member: EtcdMember) => ObservableInput<T>): Observable<T> =>
    members$.pipe(
      switchMap(members => {
        const index = current
        const member = members[index] as EtcdMember
        return defer(() => use(member)).pipe(
          catchError((thrown: unknown) => {
            const error = etcdError(thrown, member.endpoint)
            if (isUnavailable(error) && current === index) current = (index + 1) % members.length
            return throwError(() => error)
          }),
        )
      }),
    )
  return {
    open$: members$.pipe(ignoreElements()),
    ask: request =>
      ofMember(request).pipe(
        first(),
        retry({
          count: endpoints.length - 1,
          delay: (error: RpcError) => (isUnavailable(error) ? of(0) : throwError(() => error)),
        }),
      ),
    follow: ofMember,
  }
}

function isUnavailable({ code }: RpcError): boolean {
  return code === 'UNAVAILABLE'
}

function clientOptions(endpoint: string, { tls, auth, callTimeoutMs, runtime }: ResolvedEtcdOptions): IOptions {
  const defaultCallOptions = callLimits(callTimeoutMs, runtime)
  return {
    hosts: `${tls === undefined ? 'http' : 'https'}://${endpoint}`,
    defaultCallOptions,
    // When and what to try again is for who asks to decide, and for nobody else.
    faultHandling: { host: () => ONCE, global: ONCE },
    grpcOptions: {
      'grpc.keepalive_time_ms': KEEPALIVE_MS,
      'grpc.keepalive_timeout_ms': callTimeoutMs,
      'grpc.keepalive_permit_without_calls': 1,
      'grpc.max_receive_message_length': MAX_ANSWER_BYTES,
      // By default a connection that failed is not dialled again for up to two minutes, whoever asks.
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1000,
    },
    ...(tls !== undefined && { credentials: credentialsOf(tls) }),
    ...(auth !== undefined && { auth: { ...auth } }),
  }
}

const NOT_ABORTED = new AbortController().signal
const noEvent = (): { dispose(): void } => ({ dispose() {} })

type Policy = NonNullable<NonNullable<IOptions['faultHandling']>['global']>

/** Calls once and leaves failures alone: cockatiel's no-op, which the client does not pass on. */
const ONCE: Policy = {
  _altReturn: undefined as never,
  onSuccess: noEvent,
  onFailure: noEvent,
  execute: async call => call({ signal: NOT_ABORTED }),
}

function credentialsOf({ ca, cert, key }: EtcdTls): NonNullable<IOptions['credentials']> {
  return {
    // Without authorities of its own gRPC takes those of Node; its client's types say otherwise.
    rootCertificate: (ca === undefined ? null : bytesOf(ca)) as Buffer,
    ...(key !== undefined && { privateKey: bytesOf(key) }),
    ...(cert !== undefined && { certChain: bytesOf(cert) }),
  }
}

function bytesOf(pem: string | Uint8Array): Buffer {
  return typeof pem === 'string' ? Buffer.from(pem) : Buffer.from(pem.buffer, pem.byteOffset, pem.byteLength)
}
