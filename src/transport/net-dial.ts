import { Socket as NodeSocket, type NetConnectOpts } from 'node:net'
import { Observable, of, Subscription, switchMap, tap } from 'rxjs'
import type { Runtime } from '../core/index.js'
import { explainErrno } from './explain-errno.js'
import type { OpenSocket } from './net-socket.js'
import type { OwnedSocket } from './owned-socket.js'
import { connectFailed, tlsFailed } from './transport-errors.js'
import type { Socket } from './transport.js'

/** Where, and how, a stream socket is dialled. */
export interface NetDial {
  /** The address as it was given, for messages. */
  readonly address: string
  /** The same for Node. */
  readonly target: NetConnectOpts
  /** Secures a connection that is open. @default frames go over it as it is */
  readonly secure?: ((socket: NodeSocket) => Observable<OpenSocket>) | undefined
  /** Carries frames over a connection that is open and secure, which it owns from then on. Emits once. */
  readonly carry: (open: OpenSocket) => Observable<OwnedSocket>
}

/** What a dial is bound by. */
export interface NetDialOptions {
  /** Longest wait until frames can be carried, handshakes included, in ms. */
  readonly connectTimeoutMs: number
  /** Where timers come from. */
  readonly runtime: Runtime
}

/** Dials a stream socket of Node and carries frames over it, as {@link Transport.dial} says. */
export function netDial({ address, target, secure, carry }: NetDial, options: NetDialOptions): Observable<Socket> {
  return new Observable(subscriber => {
    const { connectTimeoutMs, runtime } = options
    let securing = false
    const timer = runtime.scheduler.schedule(() => {
      const late = `within ${connectTimeoutMs} ms`
      const silent = { problem: 'handshake_timeout', text: `no handshake ${late}; does it speak TLS?` }
      subscriber.error(securing ? tlsFailed(address, silent) : connectFailed(address, `no answer ${late}`))
    }, connectTimeoutMs)
    subscriber.add(timer)
    const opening = connection(address, target).pipe(
      tap(() => (securing = secure !== undefined)),
      switchMap(socket => secure?.(socket) ?? of({ socket })),
      tap(() => (securing = false)),
      switchMap(carry),
    )
    subscriber.add(
      opening.subscribe({
        next: socket => {
          timer.unsubscribe()
          socket.onEnd(error => (error === undefined ? subscriber.complete() : subscriber.error(error)))
          subscriber.add(() => socket.abort())
          subscriber.next(socket)
        },
        error: error => subscriber.error(error),
      }),
    )
  })
}

/** Emits a connected, paused socket and completes; whoever takes it destroys it. */
function connection(address: string, target: NetConnectOpts): Observable<NodeSocket> {
  return new Observable(subscriber => {
    const socket = new NodeSocket()
    socket.setNoDelay(true) // as an option of connect it is ignored
    const giveUp = new Subscription(() => socket.destroy())
    subscriber.add(giveUp)
    const refused = (error: Error): void => subscriber.error(connectFailed(address, explainErrno(error), error))
    socket.on('error', refused)
    socket.connect(target, () => {
      subscriber.remove(giveUp)
      socket.off('error', refused).pause()
      subscriber.next(socket)
      subscriber.complete()
    })
  })
}
