import { filter, Observable, Subject, Subscription, switchMap, take } from 'rxjs'
import { RpcError } from '../../core/index.js'
import { messageSocket } from '../message-socket.js'
import { listenFailed } from '../transport-errors.js'
import type { Listener, Socket } from '../transport.js'
import { listenedSubject, natsAddress } from './nats-address.js'
import { probe, publishQuietly } from './nats-dial.js'
import type { NatsConnection, NatsLink, NatsMessage } from './nats-link.js'
import { NatsMessageLink } from './nats-message-link.js'
import type { ResolvedNatsTransport } from './nats-socket-options.js'
import { kinds, VERSION } from './nats-wire.js'

/** Of those who listen to one subject, which two may after an outage, each hello reaches one. */
const QUEUE = 'millrace'

/** Listens to a subject, as {@link Transport.listen} says. Throws INVALID_ARGUMENT (reason `invalid_address`). */
export function natsListen(
  connection: NatsConnection,
  address: string,
  options: ResolvedNatsTransport,
): Observable<Listener> {
  const { connectTimeoutMs, runtime } = options
  const subject = listenedSubject(address) ?? `millrace.${runtime.id()}`
  const place = natsAddress(subject)
  return new Observable(subscriber => {
    const listening = new Listening(connection, subject, options)
    const failed = (error: unknown): void =>
      subscriber.error(listenFailed(place, RpcError.from(error).rawMessage, error))
    const timer = runtime.scheduler.schedule(
      () => subscriber.error(listenFailed(place, `no nats-server within ${connectTimeoutMs} ms`)),
      connectTimeoutMs,
    )
    subscriber.add(timer)
    subscriber.add(() => listening.end())
    const free$ = connection.link$.pipe(
      filter(link => link !== undefined),
      take(1),
      switchMap(link => probe(link, subject)),
    )
    subscriber.add(
      free$.subscribe({
        next: isTaken => {
          if (isTaken) return subscriber.error(listenFailed(place, 'somebody listens there already'))
          listening.begin(failed, () => {
            timer.unsubscribe()
            subscriber.next({ address: place, sockets: listening.sockets.asObservable() })
          })
        },
        error: failed,
      }),
    )
  })
}

/** Listens over every link there is, one after the other, until it is ended; sockets live on. */
class Listening {
  readonly sockets: Subject<Socket>
  private readonly connection: NatsConnection
  private readonly subject: string
  private readonly options: ResolvedNatsTransport
  private readonly links: Subscription
  private leave: (() => void) | undefined
  /** What was accepted and is open, by the dialler's inbox. */
  private readonly accepted: Map<string, NatsMessageLink>

  constructor(connection: NatsConnection, subject: string, options: ResolvedNatsTransport) {
    this.sockets = new Subject()
    this.connection = connection
    this.subject = subject
    this.options = options
    this.links = new Subscription()
    this.leave = undefined
    this.accepted = new Map()
  }

  /** Begins, and calls `onReady` once the server knows of it. */
  begin(onFailed: (error: unknown) => void, onReady: () => void): void {
    let isReady = false
    const linked = (link: NatsLink | undefined): void => {
      this.leave?.()
      this.leave = link?.subscribe(this.subject, message => this.hailed(link, message), {
        queue: QUEUE,
        onRefused: onFailed,
      })
      link?.confirm(error => {
        if (error !== undefined || isReady || this.links.closed) return
        isReady = true
        onReady()
      })
    }
    this.links.add(this.connection.link$.subscribe({ next: linked, error: onFailed }))
  }

  end(): void {
    this.leave?.()
    this.links.unsubscribe()
    this.sockets.complete()
  }

  private hailed(link: NatsLink, { data, reply }: NatsMessage): void {
    if (!reply) return
    const [kind, version] = data
    if (kind === kinds.reset) this.accepted.get(reply)?.received(data)
    else if (kind === kinds.probe || (kind === kinds.hello && version !== VERSION)) {
      publishQuietly(link, reply, new Uint8Array([kinds.refused, VERSION]))
    } else if (kind === kinds.hello && !this.accepted.has(reply)) this.accept(link, reply)
  }

  private accept(link: NatsLink, peer: string): void {
    const inbox = link.inbox()
    const remote = natsAddress(peer)
    // Keeps the connection for as long as the socket lives.
    const held = this.connection.link$.subscribe({ error: () => {} })
    const onEnd = (): void => {
      this.accepted.delete(peer)
      held.unsubscribe()
    }
    const carrier = new NatsMessageLink({ link, inbox, peer, remote, onEnd }, this.options)
    held.add(link.subscribe(inbox, ({ data }) => carrier.received(data), { onRefused: error => carrier.fail(error) }))
    this.accepted.set(peer, carrier)
    publishQuietly(link, peer, new Uint8Array([kinds.welcome]), inbox)
    const socket = messageSocket(carrier, { local: natsAddress(this.subject), remote }, this.options)
    if (this.sockets.observed) this.sockets.next(socket)
    else socket.abort()
  }
}
