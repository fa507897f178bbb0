import type { Socket as NodeSocket } from 'node:net'
import { Observable, Subscription } from 'rxjs'
import { explainErrno } from '../explain-errno.js'
import { connectFailed } from '../transport-errors.js'
import type { Socket } from '../transport.js'
import { endsOf } from './ends.js'
import { LingeringWebSocket } from './lingering-websocket.js'
import { messageSocket } from './message-socket.js'
import { parseWebSocketUrl } from './websocket-address.js'
import type { ResolvedWebSocketOptions } from './websocket-options.js'
import { wsLink, wsOptions } from './ws-link.js'

/** Connects to `address`: each subscription opens a WebSocket, emits it, and ends with it. */
export function dial(address: string, options: ResolvedWebSocketOptions): Observable<Socket> {
  return new Observable(subscriber => {
    const { connectTimeoutMs, maxFrameBytes, headers, runtime } = options
    const url = parseWebSocketUrl(address)
    const ws = connect(address, () => new LingeringWebSocket(url, { ...wsOptions(maxFrameBytes), headers }))
    const giveUp = new Subscription(() => ws.terminate())
    subscriber.add(giveUp)
    const timer = runtime.scheduler.schedule(
      () => subscriber.error(connectFailed(address, `no answer within ${connectTimeoutMs} ms`)),
      connectTimeoutMs,
    )
    subscriber.add(timer)
    const refused = (error: Error): void => subscriber.error(connectFailed(address, explainErrno(error), error))
    ws.on('error', refused)
    ws.on('upgrade', ({ socket }) => {
      ws.on('open', () => {
        timer.unsubscribe()
        subscriber.remove(giveUp)
        ws.off('error', refused)
        subscriber.next(opened(ws, socket))
      })
    })

    function opened(open: LingeringWebSocket, stream: NodeSocket): Socket {
      const { local } = endsOf(stream)
      const link = wsLink(open, stream, { remote: url, ...options })
      const socket = messageSocket(link, { local, remote: url }, options)
      socket.onEnd(error => (error === undefined ? subscriber.complete() : subscriber.error(error)))
      subscriber.add(() => socket.abort())
      return socket
    }
  })
}

/** `ws` throws for what Node's HTTP refuses, such as header fields with line breaks. */
function connect(address: string, open: () => LingeringWebSocket): LingeringWebSocket {
  try {
    return open()
  } catch (error) {
    throw connectFailed(address, (error as Error).message, error)
  }
}
