import type { IncomingMessage } from 'node:http'
import { networkInterfaces } from 'node:os'
import { Server as TlsServer } from 'node:tls'
import { map, Observable, Subject } from 'rxjs'
import { WebSocketServer } from 'ws'
import { advertisedHost } from '../advertised-host.js'
import { ipEnds } from '../ip-ends.js'
import { invalidAddress } from '../transport-errors.js'
import type { Listener, Socket } from '../transport.js'
import { LingeringWebSocket } from './lingering-websocket.js'
import { messageSocket } from '../message-socket.js'
import { ownServer } from './own-server.js'
import { sharedServer } from './shared-server.js'
import { refuseUpgrade, type UpgradeHandler } from './upgrade-handler.js'
import { formatWebSocketAddress, parseWebSocketAddress } from './websocket-address.js'
import type { ResolvedWebSocketOptions } from './websocket-options.js'
import { wsLink, wsOptions } from './ws-link.js'

/** Listens on `address`: each subscription is one listener, on a server of its own or the one of the options. */
export function listen(address: string, options: ResolvedWebSocketOptions): Observable<Listener> {
  return new Observable(subscriber => {
    const place = parseWebSocketAddress(address)
    const sockets = new Subject<Socket>()
    const upgrade = upgradeHandler(sockets, options)
    const { server, tls } = options
    const secure = server === undefined ? tls !== undefined : server instanceof TlsServer
    if (place.secure === !secure) throw invalidAddress(address, `${secure ? 'wss' : 'ws'}://, as it is served`)
    const bound = server === undefined ? ownServer(place, upgrade, options) : sharedServer(place, upgrade, server)
    subscriber.add(() => sockets.complete())
    return bound
      .pipe(
        map(({ address: host, port }): Listener => {
          const advertised = advertisedHost(host, networkInterfaces())
          const reachable = formatWebSocketAddress({ host: advertised, port, path: place.path, secure })
          return { address: reachable, sockets: sockets.asObservable() }
        }),
      )
      .subscribe(subscriber)
  })
}

/** Upgrades the clients that are accepted, and puts their sockets into `sockets`; one that nobody takes is closed. */
function upgradeHandler(sockets: Subject<Socket>, options: ResolvedWebSocketOptions): UpgradeHandler {
  const handshake = new WebSocketServer({
    ...wsOptions(options.maxFrameBytes),
    noServer: true,
    clientTracking: false,
    WebSocket: LingeringWebSocket,
  })
  const open = (ws: LingeringWebSocket, request: IncomingMessage): void => {
    const ends = ipEnds(request.socket)
    const link = wsLink(ws, request.socket, { remote: ends.remote, ...options })
    const socket = messageSocket(link, ends, options)
    if (sockets.observed) sockets.next(socket)
    else socket.close()
  }
  return (request, stream, head) => {
    const status = refusal(request, options)
    if (status === undefined) handshake.handleUpgrade(request, stream, head, open)
    else refuseUpgrade(stream, status)
  }
}

/** The status that refuses a request, if one does. */
function refusal(request: IncomingMessage, { accept }: ResolvedWebSocketOptions): string | undefined {
  const { url = '/', socket, headers: fields } = request
  const headers = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]))
  try {
    const accepted = accept({ path: url, origin: fields.origin, headers, remote: ipEnds(socket).remote })
    return accepted ? undefined : '403 Forbidden'
  } catch {
    return '500 Internal Server Error' // who cannot be judged is not taken, and the server lives on
  }
}
