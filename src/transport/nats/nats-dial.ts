import { filter, Observable, Subscription, switchMap, take } from 'rxjs'
import type { RpcError } from '../../core/index.js'
import { messageSocket } from '../message-socket.js'
import type { OwnedSocket } from '../owned-socket.js'
import { connectFailed } from '../transport-errors.js'
import type { Socket } from '../transport.js'
import { natsAddress, subjectOf } from './nats-address.js'
import type { NatsConnection, NatsLink, NatsMessage } from './nats-link.js'
import { NatsMessageLink } from './nats-message-link.js'
import type { ResolvedNatsTransport } from './nats-socket-options.js'
import { kinds, VERSION } from './nats-wire.js'

/** What the server answers for a subject that nobody listens to. */
const NO_RESPONDERS = 503

/** Dials a subject, as {@link Transport.dial} says. Throws INVALID_ARGUMENT (reason `invalid_address`). */
export function natsDial(
  connection: NatsConnection,
  address: string,
  options: ResolvedNatsTransport,
): Observable<Socket> {
  const subject = subjectOf(address)
  const { connectTimeoutMs, runtime } = options
  return new Observable(subscriber => {
    const timer = runtime.scheduler.schedule(() => {
      subscriber.error(connectFailed(address, `no answer within ${connectTimeoutMs} ms`))
    }, connectTimeoutMs)
    subscriber.add(timer)
    const opened$ = connection.link$.pipe(
      filter(link => link !== undefined),
      take(1),
      switchMap(link => hail(link, subject, options)),
    )
    // Keeps the connection for as long as the socket lives.
    subscriber.add(connection.link$.subscribe({ error: () => {} }))
    subscriber.add(
      opened$.subscribe({
        next: socket => {
          timer.unsubscribe()
          socket.onEnd(error => (error === undefined ? subscriber.complete() : subscriber.error(error)))
          subscriber.add(() => socket.abort())
          subscriber.next(socket)
        },
        error: (error: RpcError) =>
          subscriber.error(
            error.reason === 'connection_lost' ? connectFailed(address, error.rawMessage, error) : error,
          ),
      }),
    )
  })
}

/** Says hello and waits for the welcome; unsubscribed before, it takes the hello back. The socket lives on. */
function hail(link: NatsLink, subject: string, options: ResolvedNatsTransport): Observable<OwnedSocket> {
  const address = natsAddress(subject)
  return new Observable(subscriber => {
    const inbox = link.inbox()
    let carrier: NatsMessageLink | undefined
    const failed = (error: RpcError): void => (carrier === undefined ? subscriber.error(error) : carrier.fail(error))
    const onMessage = (message: NatsMessage): void =>
      carrier === undefined ? answered(message) : carrier.received(message.data)
    const unsubscribe = link.subscribe(inbox, onMessage, { onRefused: failed })
    const answered = ({ data, reply, headers }: NatsMessage): void => {
      if (data.length === 0 && headers?.code === NO_RESPONDERS) {
        subscriber.error(connectFailed(address, 'nobody listens there'))
      } else if (data[0] === kinds.refused) {
        subscriber.error(connectFailed(address, `it speaks version ${data[1]} of this transport, we ${VERSION}`))
      } else if (data[0] === kinds.welcome && reply) {
        const path = { link, inbox, peer: reply, remote: address, onEnd: unsubscribe }
        carrier = new NatsMessageLink(path, options)
        subscriber.next(messageSocket(carrier, { local: natsAddress(inbox), remote: address }, options))
      }
    }
    const lost = link.lost$.subscribe({ error: error => carrier ?? subscriber.error(error) })
    link.publish(subject, new Uint8Array([kinds.hello, VERSION]), { reply: inbox })
    link.confirm(error => error && failed(error), subject)
    return () => {
      lost.unsubscribe()
      if (carrier !== undefined) return
      unsubscribe()
      publishQuietly(link, subject, new Uint8Array([kinds.reset]), inbox)
    }
  })
}

/** Whether somebody listens to a subject; fails when there is no answer in time. */
export function probe(link: NatsLink, subject: string): Observable<boolean> {
  return new Observable(subscriber => {
    const inbox = link.inbox()
    const unsubscribe = link.subscribe(inbox, ({ data, headers }) => {
      subscriber.next(!(data.length === 0 && headers?.code === NO_RESPONDERS))
      subscriber.complete()
    })
    const lost = link.lost$.subscribe({ error: error => subscriber.error(error) })
    link.publish(subject, new Uint8Array([kinds.probe]), { reply: inbox })
    return new Subscription(() => {
      lost.unsubscribe()
      unsubscribe()
    })
  })
}

/** Sends what may as well be lost. */
export function publishQuietly(link: NatsLink, subject: string, payload: Uint8Array, reply?: string): void {
  try {
    link.publish(subject, payload, reply === undefined ? {} : { reply })
  } catch {
    // The link has ended, and everything over it.
  }
}
