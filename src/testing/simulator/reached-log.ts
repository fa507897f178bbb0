import {
  catchError,
  interval,
  map,
  merge,
  Observable,
  of,
  startWith,
  Subject,
  switchMap,
  takeUntil,
  throwError,
  timeout,
  timer,
} from 'rxjs'
import type {
  Appended,
  BrokerStatus,
  ConsumerOptions,
  LogConsumer,
  LogDelivery,
  LogRecord,
  MessageLog,
  StoredRecord,
} from '../../broker/index.js'
import { RpcError } from '../../core/index.js'
import type { LogName, SimulatedLogs } from './simulated-logs.js'
import { StoreConnection, type ServerPath } from './store-connection.js'

/** How a process reaches the logs. */
export interface LogPath extends ServerPath<SimulatedLogs> {
  /** How the way is. */
  readonly status$: Observable<BrokerStatus>
}

/** How long a process waits for one answer, ms. */
const CALL_TIMEOUT_MS = 2000
/** How often a log and a consumer tell each other that they are there, and after how many that did not come they are not. */
const HEARTBEAT_MS = 2000
const MISSED = 2.5

/** The logs of a durable broker as a process reaches them, all over one connection at a time. */
export class ReachedLogs {
  private readonly path: LogPath
  private connection: StoreConnection<SimulatedLogs> | undefined

  constructor(path: LogPath) {
    this.path = path
    this.connection = undefined
  }

  /** One of them. */
  log(name: LogName): MessageLog {
    const serve = <T>(served: (log: MessageLog) => Observable<T>, timeoutMs = CALL_TIMEOUT_MS): Observable<T> =>
      new Observable<T>(subscriber => this.connected().follow(server => served(server.log(name)), subscriber)).pipe(
        timeout({ each: timeoutMs, scheduler: this.path.runtime.scheduler, with: () => throwError(noAnswer) }),
        catchError((error: unknown) => throwError(() => unsure(error))),
      )
    return {
      name: 'simulated',
      status$: this.path.status$,
      open$: new Observable<never>(),
      append: (record: LogRecord): Observable<Appended> => serve(log => log.append(record)),
      consume: (options: ConsumerOptions): Observable<LogConsumer> => this.consume(name, options),
      read: (topic: string): Observable<StoredRecord> => serve(log => log.read(topic)),
      remove: (sequences: readonly number[]): Observable<never> => serve(log => log.remove(sequences)),
    }
  }

  private consume(name: LogName, options: ConsumerOptions): Observable<LogConsumer> {
    const { runtime, storeRuntime } = this.path
    return new Observable<LogConsumer>(subscriber => {
      const connection = this.connected()
      const deliveries$ = new Subject<LogDelivery>()
      const heard$ = new Subject<void>()
      let remote: LogConsumer | undefined
      // Who has vanished closes no connection: the log has to notice.
      const unheard$ = heard$.pipe(
        startWith(undefined),
        switchMap(() => timer(HEARTBEAT_MS * MISSED, storeRuntime.scheduler)),
      )
      const served = (server: SimulatedLogs): Observable<Sent> =>
        merge(
          interval(HEARTBEAT_MS, storeRuntime.scheduler).pipe(map((): Sent => ({ kind: 'heartbeat' }))),
          server
            .log(name)
            .consume(options)
            .pipe(
              switchMap(consumer => {
                remote = consumer
                const attached: Sent = { kind: 'attached', next: consumer.next }
                const delivered$ = consumer.deliveries$.pipe(map((delivery): Sent => ({ kind: 'delivery', delivery })))
                return merge(of(attached), delivered$)
              }),
            ),
        ).pipe(takeUntil(unheard$))
      const arrived = (sent: Sent): void => {
        if (sent.kind === 'delivery') deliveries$.next(this.delivered(sent.delivery))
        else if (sent.kind === 'attached') {
          const request = (count: number): void => connection.tell(() => remote?.request(count))
          subscriber.next({ next: sent.next, deliveries$, request })
        }
      }
      subscriber.add(interval(HEARTBEAT_MS, runtime.scheduler).subscribe(() => connection.tell(() => heard$.next())))
      subscriber.add(
        new Observable<Sent>(attempt => connection.follow(served, attempt))
          .pipe(
            timeout({
              each: HEARTBEAT_MS * MISSED,
              scheduler: runtime.scheduler,
              with: () => throwError(noAnswer),
            }),
          )
          .subscribe({
            next: arrived,
            error: error => subscriber.error(error),
            complete: () => subscriber.error(noAnswer()), // it has not heard of us
          }),
      )
    })
  }

  /** Settled over the connection of then: the log knows what is meant. */
  private delivered(delivery: LogDelivery): LogDelivery {
    const tell = (task: () => void): void => this.connected().tell(task)
    return {
      ...delivery,
      ack: () => tell(() => delivery.ack()),
      nak: delayMs => tell(() => delivery.nak(delayMs)),
      working: () => tell(() => delivery.working()),
    }
  }

  private connected(): StoreConnection<SimulatedLogs> {
    if (this.connection === undefined || this.connection.isLost) this.connection = new StoreConnection(this.path)
    return this.connection
  }
}

/** What a log sends to a consumer. */
type Sent =
  | { readonly kind: 'heartbeat' }
  | { readonly kind: 'attached'; readonly next: number }
  | { readonly kind: 'delivery'; readonly delivery: LogDelivery }

function noAnswer(): RpcError {
  return new RpcError('UNAVAILABLE', 'the simulated log has not answered in time', { reason: 'broker_unavailable' })
}

/** What was sent may have arrived, whatever the connection says. */
function unsure(error: unknown): RpcError {
  const { code, rawMessage, reason } = RpcError.from(error)
  return new RpcError(code, rawMessage, { reason, cause: error })
}
