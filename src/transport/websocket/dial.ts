import { defer, Observable, Subscription } from 'rxjs'
import { explainErrno } from '../explain-errno.js'
import { ipEnds } from '../ip-ends.js'
import { netDial } from '../net-dial.js'
import type { OpenSocket } from '../net-socket.js'
import type { OwnedSocket } from '../owned-socket.js'
import { shakeHands } from '../tls-client.js'
import { resolveTls } from '../tls-settings.js'
import { connectFailed } from '../transport-errors.js'
import type { Socket } from '../transport.js'
import { ALPN } from './alpn.js'
import { LingeringWebSocket } from './lingering-websocket.js'
import { messageSocket } from '../message-socket.js'
import { formatWebSocketAddress, parseWebSocketTarget } from './websocket-address.js'
import type { ResolvedWebSocketOptions } from './websocket-options.js'
import { wsLink, wsOptions } from './ws-link.js'

/** Connects to `address`: each subscription opens a WebSocket, emits it, and ends with it. */
export function dial(address: string, options: ResolvedWebSocketOptions): Observable<Socket> {
  return defer(() => {
    const target = parseWebSocketTarget(address, options.tls !== undefined)
    const { host, port } = target
    const url = formatWebSocketAddress(target)
    const tls = target.secure ? (options.tls ?? resolveTls('websocket', {})) : undefined
    return netDial(
      {
        address,
        target: { host, port },
        secure: tls && (socket => shakeHands(socket, tls, { address, host, alpn: ALPN })),
        carry: open => upgrade(open, { address, url }, options),
      },
      options,
    )
  })
}

/** Asks over an open connection for a WebSocket. Unsubscribing before it has come destroys the connection. */
function upgrade(
  { socket, explainEnd }: OpenSocket,
  { address, url }: { readonly address: string; readonly url: string },
  options: ResolvedWebSocketOptions,
): Observable<OwnedSocket> {
  return new Observable(subscriber => {
    const giveUp = new Subscription(() => socket.destroy())
    subscriber.add(giveUp)
    const { headers, maxFrameBytes } = options
    const ws = new LingeringWebSocket(url, {
      ...wsOptions(maxFrameBytes),
      headers,
      createConnection: () => socket.resume(),
    })
    const refused = (error: Error): void => {
      subscriber.error(explainEnd?.(error) ?? connectFailed(address, explainErrno(error), error))
    }
    ws.on('error', refused)
    ws.on('open', () => {
      subscriber.remove(giveUp)
      ws.off('error', refused)
      const link = wsLink(ws, socket, { remote: url, ...options })
      subscriber.next(messageSocket(link, { ...ipEnds(socket), remote: url }, options))
      subscriber.complete()
    })
  })
}
