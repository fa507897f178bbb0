import type { IncomingMessage } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import type { Duplex } from 'node:stream'
import { Observable } from 'rxjs'
import { listenFailed } from '../transport-errors.js'
import { isFor, refuseUpgrade, type UpgradeHandler } from './upgrade-handler.js'
import type { WebSocketAddress } from './websocket-address.js'

/**
 * Takes the requests to upgrade of somebody's HTTP server on one path, from when that server listens: it emits where.
 * Requests for other paths are left to the server's other listeners; where there are none they are answered 404.
 */
export function sharedServer(
  { text, firstPort, lastPort, path }: WebSocketAddress,
  upgrade: UpgradeHandler,
  server: Server,
): Observable<AddressInfo> {
  return new Observable(subscriber => {
    const begin = (): void => {
      const bound = server.address()
      const why = refusal(bound, firstPort, lastPort) ?? mount(server, path, upgrade)
      if (why !== undefined) return subscriber.error(listenFailed(text, why))
      subscriber.add(() => unmount(server, path))
      subscriber.next(bound as AddressInfo)
    }
    if (server.listening) return begin()
    server.once('listening', begin)
    return () => void server.off('listening', begin)
  })
}

/** What is mounted on a server belongs to the server, so that two transports on it meet. */
const mounts = new WeakMap<Server, Mounts>()

interface Mounts {
  readonly handlers: Map<string, UpgradeHandler>
  readonly onUpgrade: UpgradeHandler
}

function refusal(bound: AddressInfo | string | null, firstPort: number, lastPort: number): string | undefined {
  if (bound === null || typeof bound === 'string') return 'the server listens on no port'
  const other = firstPort > 0 && (bound.port < firstPort || bound.port > lastPort)
  return other ? `the server listens on port ${bound.port}` : undefined
}

/** Gives why it cannot. */
function mount(server: Server, path: string, upgrade: UpgradeHandler): string | undefined {
  const { handlers } = mounts.get(server) ?? begin(server)
  if (handlers.has(path)) return `the server has a listener on ${path} already`
  handlers.set(path, upgrade)
  return undefined
}

function begin(server: Server): Mounts {
  const handlers = new Map<string, UpgradeHandler>()
  const onUpgrade = (request: IncomingMessage, stream: Duplex, head: Buffer): void => {
    const [, upgrade] = [...handlers].find(([path]) => isFor(path, request)) ?? []
    if (upgrade !== undefined) upgrade(request, stream, head)
    else if (server.listenerCount('upgrade') === 1) refuseUpgrade(stream, '404 Not Found')
  }
  const made = { handlers, onUpgrade }
  mounts.set(server, made)
  server.on('upgrade', onUpgrade)
  return made
}

function unmount(server: Server, path: string): void {
  const mounted = mounts.get(server)
  mounted?.handlers.delete(path)
  if (mounted === undefined || mounted.handlers.size > 0) return
  mounts.delete(server)
  server.off('upgrade', mounted.onUpgrade)
}
