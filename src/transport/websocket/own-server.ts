import { createServer } from 'node:http'
import type { AddressInfo, Socket as NodeSocket } from 'node:net'
import { Observable, type Subscription } from 'rxjs'
import { explainErrno } from '../explain-errno.js'
import { listenFailed } from '../transport-errors.js'
import { isFor, refuseUpgrade, type UpgradeHandler } from './upgrade-handler.js'
import type { WebSocketAddress } from './websocket-address.js'
import type { ResolvedWebSocketOptions } from './websocket-options.js'

/**
 * An HTTP server for WebSockets alone: it emits where it listens and closes when unsubscribed. A client that has not
 * made its request to upgrade in time is cut off.
 */
export function ownServer(
  { text, host, firstPort, lastPort, path }: WebSocketAddress,
  upgrade: UpgradeHandler,
  { handshakeTimeoutMs, runtime }: ResolvedWebSocketOptions,
): Observable<AddressInfo> {
  return new Observable(subscriber => {
    const waiting = new Map<NodeSocket, Subscription>()
    const server = createServer((_request, response) => {
      response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end()
    })
    let port = firstPort
    const tryPort = (): void => void server.listen(host === '' ? { port } : { host, port })
    const forget = (socket: NodeSocket): void => {
      waiting.get(socket)?.unsubscribe()
      waiting.delete(socket)
    }
    server.on('connection', socket => {
      waiting.set(
        socket,
        runtime.scheduler.schedule(() => socket.destroy(), handshakeTimeoutMs),
      )
      socket.once('close', () => forget(socket))
    })
    server.on('upgrade', (request, stream, head) => {
      if (!isFor(path, request)) return refuseUpgrade(stream, '404 Not Found')
      forget(request.socket)
      upgrade(request, stream, head)
    })
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.syscall === 'accept') return // out of files, say: the one who dialled is told, the listener goes on
      if (error.code !== 'EADDRINUSE' || port >= lastPort) {
        return subscriber.error(listenFailed(text, explainErrno(error), error))
      }
      port++
      tryPort()
    })
    server.on('listening', () => {
      if (subscriber.closed) server.close() // unsubscribed while the host name was looked up
      else subscriber.next(server.address() as AddressInfo)
    })
    subscriber.add(() => {
      server.close()
      for (const socket of waiting.keys()) socket.destroy()
    })
    tryPort()
  })
}
