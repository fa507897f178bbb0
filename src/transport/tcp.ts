import { createServer, Socket as NodeSocket, type AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { Observable, Subject, Subscription } from 'rxjs'
import { having, integer, MAX_TIMER_MS, optional, resolveOptions, systemRuntime, type Runtime } from '../core/index.js'
import { formatAddress, parseAddress, parseDialAddress } from './address.js'
import { advertisedHost } from './advertised-host.js'
import { explainErrno } from './explain-errno.js'
import { netSocket, type Ends, type NetSocketOptions } from './net-socket.js'
import { connectFailed, listenFailed } from './transport-errors.js'
import type { Listener, Socket, Transport } from './transport.js'

/** What {@link tcp} is made of. */
export interface TcpOptions {
  /** Longest wait for a connection to open, in ms. @default 5000 */
  readonly connectTimeoutMs?: number
  /**
   * Longest frame, sent or received, in bytes. A longer one is refused with RESOURCE_EXHAUSTED (`frame_too_large`),
   * an incoming one before its body is read.
   * @default 16_777_215, the most that the three bytes of its length can say
   */
  readonly maxFrameBytes?: number
  /** Bytes accepted and not yet taken by the system above which `send` gives false. @default 262_144 */
  readonly highWaterMarkBytes?: number
  /**
   * Frames that are written at once without waiting for the end of the turn: the peer starts on the first while the
   * rest is being made, and fewer writes would not be cheaper.
   * @default 32
   */
  readonly flushFrames?: number
  /** How long `close` waits while the peer neither takes bytes nor closes its side, in ms. @default 1000 */
  readonly closeTimeoutMs?: number
  /** Where turns and timers come from. @default systemRuntime() */
  readonly runtime?: Runtime
}

/**
 * The transport over TCP: each frame has its length before it, three bytes, big-endian.
 *
 * Addresses are `host:port`, an IPv6 host in brackets. `listen` also takes `:port` for every interface, port 0 for one
 * that the system chooses and `host:5000-5010` for the first free one of a range. A listener on every interface tells
 * an address that other machines can dial: this machine's first private IPv4 address, else its first public one.
 *
 * Throws INVALID_ARGUMENT (reason `invalid_options`).
 */
export function tcp(options?: TcpOptions): Transport {
  const resolved = resolveTcpOptions(options)
  return { name: 'tcp', dial: address => dial(address, resolved), listen: address => listen(address, resolved) }
}

type ResolvedOptions = Required<TcpOptions> & NetSocketOptions

const MAX_FRAME_BYTES = 0xff_ffff

function resolveTcpOptions(options: TcpOptions | undefined): ResolvedOptions {
  return resolveOptions<ResolvedOptions>(
    'tcp',
    {
      connectTimeoutMs: optional(integer({ min: 1, max: MAX_TIMER_MS }), 5000),
      maxFrameBytes: optional(integer({ min: 1, max: MAX_FRAME_BYTES }), MAX_FRAME_BYTES),
      highWaterMarkBytes: optional(integer({ min: 1 }), 262_144),
      flushFrames: optional(integer({ min: 1 }), 32),
      closeTimeoutMs: optional(integer({ min: 1, max: MAX_TIMER_MS }), 1000),
      runtime: optional(having<Runtime>('scheduler', 'microtask'), systemRuntime()),
    },
    options,
  )
}

function dial(address: string, options: ResolvedOptions): Observable<Socket> {
  return new Observable(subscriber => {
    const { host, port } = parseDialAddress(address)
    const { connectTimeoutMs, runtime } = options
    const socket = new NodeSocket({ allowHalfOpen: true })
    socket.setNoDelay(true) // as an option of connect it is ignored
    const giveUp = new Subscription(() => socket.destroy())
    subscriber.add(giveUp)
    const timer = runtime.scheduler.schedule(
      () => subscriber.error(connectFailed(address, `no answer within ${connectTimeoutMs} ms`)),
      connectTimeoutMs,
    )
    const refused = (error: Error): void => subscriber.error(connectFailed(address, explainErrno(error), error))
    subscriber.add(timer)
    socket.on('error', refused)
    socket.connect({ host, port }, () => {
      timer.unsubscribe()
      subscriber.remove(giveUp)
      socket.off('error', refused).pause()
      const open = netSocket(socket, endsOf(socket, address), options)
      open.onEnd(error => (error === undefined ? subscriber.complete() : subscriber.error(error)))
      subscriber.add(() => open.abort())
      subscriber.next(open)
    })
  })
}

function listen(address: string, options: ResolvedOptions): Observable<Listener> {
  return new Observable(subscriber => {
    const { host, firstPort, lastPort } = parseAddress(address)
    const sockets = new Subject<Socket>()
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true })
    let port = firstPort
    const tryPort = (): void => void server.listen(host === '' ? { port } : { host, port })
    server.on('connection', socket => {
      if (sockets.observed) sockets.next(netSocket(socket, endsOf(socket, 'an unknown peer'), options))
      else socket.destroy()
    })
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.syscall === 'accept') return // out of files, say: the one who dialled is told, the listener goes on
      if (error.code !== 'EADDRINUSE' || port >= lastPort) {
        return subscriber.error(listenFailed(address, explainErrno(error), error))
      }
      port++
      tryPort()
    })
    server.on('listening', () => {
      if (subscriber.closed) {
        server.close() // unsubscribed while the host name was looked up
        return
      }
      const bound = server.address() as AddressInfo
      const advertised = formatAddress(advertisedHost(bound.address, networkInterfaces()), bound.port)
      subscriber.next({ address: advertised, sockets: sockets.asObservable() })
    })
    subscriber.add(() => {
      server.close()
      sockets.complete()
    })
    tryPort()
  })
}

/** The addresses of an open connection; the system forgets them when the peer has gone already. */
function endsOf({ localAddress, localPort, remoteAddress, remotePort }: NodeSocket, remote: string): Ends {
  return {
    local: formatAddress(localAddress ?? 'unknown', localPort ?? 0),
    remote: remoteAddress === undefined ? remote : formatAddress(remoteAddress, remotePort ?? 0),
  }
}
