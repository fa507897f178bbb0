import { Socket as NodeSocket, type NetConnectOpts } from 'node:net'
import { Observable, of, Subscription, switchMap, tap } from 'rxjs'
import { explainErrno } from './explain-errno.js'
import { netSocket, type Ends, type NetSocketOptions, type OpenSocket } from './net-socket.js'
import { connectFailed, tlsFailed } from './transport-errors.js'
import type { Socket } from './transport.js'

/** Where, and how, a stream socket is dialled. */
export interface NetDial {
  /** The address as it was given, for messages. */
  readonly address: string
  /** The same for Node. */
  readonly target: NetConnectOpts
  /** The addresses of an open connection. */
  readonly endsOf: (socket: NodeSocket) => Ends
  /** Secures a connection that is open. @default frames go over it as it is */
  readonly secure?: ((socket: NodeSocket) => Observable<OpenSocket>) | undefined
}

/** What a dial is bound by. */
export interface NetDialOptions extends NetSocketOptions {
  /** Longest wait for a connection to open, a handshake included, in ms. */
  readonly connectTimeoutMs: number
}

/** Dials a stream socket of Node and carries frames over it, as {@link Transport.dial} says. */
export function netDial({ address, target, endsOf, secure }: NetDial, options: NetDialOptions): Observable<Socket> {
  return new Observable(subscriber => {
    const { connectTimeoutMs, runtime } = options
    let connected = false
    const timer = runtime.scheduler.schedule(() => {
      const late = `within ${connectTimeoutMs} ms`
      const silent = { problem: 'handshake_timeout', text: `no handshake ${late}; does it speak TLS?` }
      subscriber.error(connected ? tlsFailed(address, silent) : connectFailed(address, `no answer ${late}`))
    }, connectTimeoutMs)
    subscriber.add(timer)
    const opening = connection(address, target).pipe(
      tap(() => (connected = true)),
      switchMap(socket => secure?.(socket) ?? of({ socket })),
    )
    subscriber.add(
      opening.subscribe({
        next: open => {
          timer.unsubscribe()
          const socket = netSocket(open, endsOf(open.socket), options)
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
