import {
  catchError,
  concat,
  defer,
  distinctUntilChanged,
  filter,
  finalize,
  map,
  Observable,
  of,
  ReplaySubject,
  retry,
  share,
  switchMap,
  take,
  tap,
  throwError,
  timeout,
  timer,
} from 'rxjs'
import { RpcError, type Runtime } from '../../core/index.js'
import type { NatsConnection, NatsLink } from '../../transport/nats/index.js'
import { retryPause } from '../durable/retry-pause.js'
import { answerTo, type Json, objectOf, question } from './jetstream-answer.js'
import { isMissing, settingsDiffer, unreachable } from './jetstream-errors.js'
import { JetStreamLink } from './jetstream-link.js'
import { differences, streamConfig, type StreamSettings } from './stream-settings.js'

/** How long a session outlives its users: who publishes now and then does not have the stream looked at each time, ms. */
const LINGER_MS = 1000

/** Settings of a stream that is made, where nothing else is asked for: a stream that is full says so. */
const NEW_STREAM = { storage: 'file', discard: 'new' } as const

/** What a session needs. */
export interface SessionOptions {
  /** The stream that it is about. */
  readonly stream: StreamSettings
  /** Whether a stream that is not there is made. */
  readonly create: boolean
  /** How long an answer is awaited, ms. */
  readonly requestTimeoutMs: number
  /** Time and chance. */
  readonly runtime: Runtime
}

/**
 * The way to one stream: the link there is, once the stream is there and as it should be, `undefined` before and between.
 * Shared while it is subscribed. Fails with what waiting does not mend: another link is no other stream.
 */
export function jetStreamSession(
  connection: NatsConnection,
  options: SessionOptions,
): Observable<JetStreamLink | undefined> {
  const { requestTimeoutMs, runtime } = options
  const prepared = (link: NatsLink): Observable<JetStreamLink> =>
    defer(() => {
      const jetStream = new JetStreamLink(link, requestTimeoutMs, runtime)
      const again = (error: RpcError, failures: number): Observable<unknown> =>
        error.code === 'UNAVAILABLE' ? retryPause(failures, runtime) : throwError(() => error)
      return concat(
        ensureStream(jetStream, options).pipe(
          retry({ delay: again }),
          map(() => jetStream),
        ),
        new Observable<never>(),
      ).pipe(finalize(() => jetStream.close()))
    })
  return connection.link$.pipe(
    switchMap(link => (link === undefined ? of(undefined) : concat(of(undefined), prepared(link)))),
    distinctUntilChanged(),
    share({
      connector: () => new ReplaySubject<JetStreamLink | undefined>(1),
      resetOnRefCountZero: () => timer(LINGER_MS, runtime.scheduler),
    }),
  )
}

/** One attempt over the link there is, or will be in time; fails with UNAVAILABLE when there is none, or it is lost. */
export function onceLinked<T>(
  session$: Observable<JetStreamLink | undefined>,
  { requestTimeoutMs, runtime }: SessionOptions,
  attempt: (link: JetStreamLink) => Observable<T>,
): Observable<T> {
  return session$.pipe(
    filter(link => link !== undefined),
    take(1),
    timeout({
      first: requestTimeoutMs,
      scheduler: runtime.scheduler,
      with: () => throwError(() => unreachable(undefined, true)),
    }),
    switchMap(attempt),
  )
}

/** Sees to it that a stream is there, as it is wanted, and emits what the server says of it. */
export function ensureStream(link: JetStreamLink, { stream, create }: SessionOptions): Observable<Json> {
  const { name } = stream
  const wanted = streamConfig(stream)
  const ask = (subject: string, payload: object) =>
    link.request({
      subject,
      payload: question(payload),
      read: answer => answerTo(`stream ${name} of nats-server ${link.link.server}`, answer),
    })
  const check = (): Observable<Json> =>
    ask(`$JS.API.STREAM.INFO.${name}`, {}).pipe(
      tap(({ config }) => {
        const found = differences(wanted, objectOf(config))
        if (found.length > 0) throw settingsDiffer(`stream ${name}`, found)
      }),
    )
  return check().pipe(
    catchError((error: RpcError) => {
      if (!isMissing(error)) return throwError(() => error)
      if (!create) return throwError(() => noStream(error))
      // Another process may be faster; then it is there, and is looked at.
      return ask(`$JS.API.STREAM.CREATE.${name}`, { ...NEW_STREAM, ...wanted }).pipe(
        catchError((refusal: RpcError) => check().pipe(catchError(() => throwError(() => refusal)))),
      )
    }),
  )
}

function noStream(cause: RpcError): RpcError {
  return new RpcError('FAILED_PRECONDITION', `${cause.rawMessage}; make it, or leave \`create\` out`, {
    reason: 'no_log_for_topic',
    cause,
  })
}
