import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket as NodeSocket } from 'node:net'
import { defer, Observable, switchMap, type Subscription } from 'rxjs'
import { bindPort } from '../bind-port.js'
import { secureServer, tlsServerOptions } from '../tls-server.js'
import { ALPN } from './alpn.js'
import { isFor, refuseUpgrade, type UpgradeHandler } from './upgrade-handler.js'
import type { WebSocketAddress } from './websocket-address.js'
import type { ResolvedWebSocketOptions } from './websocket-options.js'

/**
 * An HTTP server for WebSockets alone, with TLS when the options say so: it emits where it listens and closes when
 * unsubscribed. A client that has not made its request to upgrade in time is cut off.
 */
export function ownServer(
  address: WebSocketAddress,
  upgrade: UpgradeHandler,
  options: ResolvedWebSocketOptions,
): Observable<AddressInfo> {
  const { tls, runtime } = options
  if (tls === undefined) return defer(() => listening(createServer(refusePage), address, { upgrade, ...options }))
  return defer(() => {
    const server = createTlsServer(tlsServerOptions(tls, ALPN), refusePage)
    return secureServer(server, tls, runtime).pipe(
      switchMap(() => listening(server, address, { upgrade, event: 'secureConnection', ...options })),
    )
  })
}

const refusePage: RequestListener = (_request, response) => {
  response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end()
}

interface Serving extends Pick<ResolvedWebSocketOptions, 'handshakeTimeoutMs' | 'runtime'> {
  readonly upgrade: UpgradeHandler
  /** Tells a connection that requests come over. @default 'connection' */
  readonly event?: 'secureConnection'
}

function listening(
  server: Server,
  address: WebSocketAddress,
  { upgrade, event, handshakeTimeoutMs, runtime }: Serving,
): Observable<AddressInfo> {
  return new Observable(subscriber => {
    const waiting = new Map<NodeSocket, Subscription>()
    const { bind, failure } = bindPort(server, address.text, address)
    const forget = (socket: NodeSocket): void => {
      waiting.get(socket)?.unsubscribe()
      waiting.delete(socket)
    }
    server.on(event ?? 'connection', (socket: NodeSocket) => {
      waiting.set(
        socket,
        runtime.scheduler.schedule(() => socket.destroy(), handshakeTimeoutMs),
      )
      socket.once('close', () => forget(socket))
    })
    server.on('upgrade', (request, stream, head) => {
      if (!isFor(address.path, request)) return refuseUpgrade(stream, '404 Not Found')
      forget(request.socket)
      upgrade(request, stream, head)
    })
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.syscall === 'accept') return // out of files, say: the one who dialled is told, the listener goes on
      const failed = failure(error)
      if (failed !== undefined) subscriber.error(failed)
    })
    server.on('listening', () => {
      if (subscriber.closed) server.close() // unsubscribed while the host name was looked up
      else subscriber.next(server.address() as AddressInfo)
    })
    subscriber.add(() => {
      server.close()
      for (const socket of waiting.keys()) socket.destroy()
    })
    bind()
  })
}
