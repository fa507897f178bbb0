import type { Server, Socket as NodeSocket } from 'node:net'
import { Observable, Subject } from 'rxjs'
import type { Ends } from './ends.js'
import { netSocket, type NetSocketOptions } from './net-socket.js'
import type { Listener, Socket } from './transport.js'

/** Where, and how, stream sockets are listened for. */
export interface NetListen {
  /** A server that is not listening yet and whose connections are paused. */
  readonly server: Server
  /** Whether it is a server of TLS. @default false */
  readonly secure?: boolean
  /** Begins to listen. */
  readonly bind: () => void
  /** What an error of listening comes to; `undefined` when it has been taken up, by another try. */
  readonly failure: (error: NodeJS.ErrnoException) => Error | undefined
  /** The address to tell, once it listens. */
  readonly addressOf: (server: Server) => string
  /** The addresses of an open connection. */
  readonly endsOf: (socket: NodeSocket) => Ends
}

/** Listens with a server of Node and carries frames over what it accepts, as {@link Transport.listen} says. */
export function netListen(
  { server, secure = false, bind, failure, addressOf, endsOf }: NetListen,
  options: NetSocketOptions,
): Observable<Listener> {
  return new Observable(subscriber => {
    const sockets = new Subject<Socket>()
    const accept = (socket: NodeSocket): void => {
      if (!sockets.observed) socket.destroy()
      else if (!socket.destroyed) sockets.next(netSocket({ socket }, endsOf(socket), options))
    }
    if (secure) {
      // In the turn after: a socket that is closed in the turn of its handshake sends no ticket, by which clients know
      // that they were accepted.
      server.on('secureConnection', (socket: NodeSocket) => options.runtime.macrotask(() => accept(socket)))
    } else server.on('connection', accept)
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.syscall === 'accept') return // out of files, say: the one who dialled is told, the listener goes on
      const failed = failure(error)
      if (failed !== undefined) subscriber.error(failed)
    })
    server.on('listening', () => {
      // Unsubscribed while the host name was looked up: it listens only now, so that it is closed only now.
      if (subscriber.closed) server.close()
      else subscriber.next({ address: addressOf(server), sockets: sockets.asObservable() })
    })
    subscriber.add(() => {
      server.close()
      sockets.complete()
    })
    bind()
  })
}
