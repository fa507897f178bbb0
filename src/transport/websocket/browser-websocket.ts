import { Observable, Subscription, throwError } from 'rxjs'
import { resolveOptions } from '../../core/index.js'
import { connectFailed, listenFailed } from '../transport-errors.js'
import type { Socket, Transport } from '../transport.js'
import { browserLink, type PlatformWebSocket } from './browser-link.js'
import { clientChecks, type WebSocketClientOptions } from './client-options.js'
import { messageSocket } from '../message-socket.js'
import { formatWebSocketAddress, parseWebSocketTarget } from './websocket-address.js'

/**
 * The transport over the WebSocket of a browser, for clients: each frame is one binary message.
 *
 * Addresses are `ws://host:port/path` or `wss://host/path`; a path that is left out is `/`, a port that is left out 80
 * or 443. `host:port` is short for `ws://host:port`. `listen` fails with UNAVAILABLE (reason `listen_failed`).
 *
 * A browser tells neither why a connection failed nor when it has sent what it took, which is asked every 4 ms while
 * `send` gave false, and it cannot be told to wait: up to `maxFrameBytes` of what comes before `inbound` is subscribed
 * are kept, more end the connection with RESOURCE_EXHAUSTED (reason `inbound_overflow`).
 *
 * Throws INVALID_ARGUMENT (reason `invalid_options`).
 */
export function browserWebsocket(options?: WebSocketClientOptions): Transport {
  const resolved = resolveOptions<Required<WebSocketClientOptions>>('websocket', clientChecks, options)
  return {
    name: 'websocket',
    dial: address => dial(address, resolved),
    listen: address => throwError(() => listenFailed(address, 'a browser cannot listen')),
  }
}

function dial(address: string, options: Required<WebSocketClientOptions>): Observable<Socket> {
  return new Observable(subscriber => {
    const { connectTimeoutMs, maxFrameBytes, runtime } = options
    const url = formatWebSocketAddress(parseWebSocketTarget(address))
    const ws = connect(address, url)
    let opening = true
    const giveUp = new Subscription(() => ws.close())
    subscriber.add(giveUp)
    const timer = runtime.scheduler.schedule(
      () => subscriber.error(connectFailed(address, `no answer within ${connectTimeoutMs} ms`)),
      connectTimeoutMs,
    )
    subscriber.add(timer)
    ws.binaryType = 'arraybuffer'
    ws.addEventListener('close', ({ code }) => {
      if (opening) subscriber.error(connectFailed(address, `the browser could not open it (${code})`))
    })
    ws.addEventListener('open', () => {
      if (subscriber.closed) return
      opening = false
      timer.unsubscribe()
      subscriber.remove(giveUp)
      const link = browserLink(ws, { remote: url, runtime, maxEarlyBytes: maxFrameBytes })
      const open = messageSocket(link, { local: 'browser', remote: url }, options)
      open.onEnd(error => (error === undefined ? subscriber.complete() : subscriber.error(error)))
      subscriber.add(() => open.abort())
      subscriber.next(open)
    })
  })
}

/** A browser throws for addresses that its page may not use, such as `ws:` in a page of `https:`. */
function connect(address: string, url: string): PlatformWebSocket {
  const { WebSocket } = globalThis as unknown as { WebSocket?: new (url: string) => PlatformWebSocket }
  if (WebSocket === undefined) throw connectFailed(address, 'this platform has no WebSocket')
  try {
    return new WebSocket(url)
  } catch (error) {
    throw connectFailed(address, (error as Error).message, error)
  }
}
