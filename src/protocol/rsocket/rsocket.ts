import { isLeft } from 'fp-ts/lib/Either.js'
import { Observable, type Subscriber } from 'rxjs'
import { having, RpcError } from '../../core/index.js'
import type { Listener, Socket, Transport } from '../../transport/index.js'
import type { Peer } from '../peer.js'
import type { Binding, Connection, ConnectOptions, Protocol } from '../protocol.js'
import { ClientConnection } from './client-connection.js'
import { resolveRSocketOptions, type ResolvedRSocketOptions, type RSocketOptions } from './options.js'
import { ClientResumption } from './resume/client-resumption.js'
import { resolveResumeOptions, type SessionContext } from './resume/resume-options.js'
import { ServerSessions } from './resume/server-sessions.js'
import type { ClientSession, ServerSession, SessionSocket } from './resume/session.js'
import { ServerConnection } from './server-connection.js'

/**
 * RSocket 1.0 over `transport`: requests, streams and channels with item credits that cross the wire, cancellation that
 * reaches the handler, keepalive, fragments, leases and resumption; with millrace's compact metadata, or with the composite
 * metadata of other implementations (docs/wire.md, docs/interop.md).
 *
 * A connection is set up without waiting for an answer; a server that refuses it fails every call made on it with
 * FAILED_PRECONDITION (reason `unsupported_setup` when the codecs differ).
 */
export function rsocket(transport: Transport, options?: RSocketOptions): Protocol {
  const faults = having<Transport>('name', 'dial', 'listen')(transport, 'transport')
  if (isLeft(faults)) {
    const hint = typeof transport === 'function' ? '; call it: tcp()' : ''
    throw new RpcError('INVALID_ARGUMENT', `rsocket: ${faults.left.join('; ')}${hint}`, { reason: 'invalid_options' })
  }
  return new RSocketProtocol(transport, resolveRSocketOptions(options))
}

class RSocketProtocol implements Protocol {
  readonly name = 'rsocket'
  readonly transport: string
  private readonly network: Transport
  private readonly options: ResolvedRSocketOptions
  private readonly sessions: SessionContext | undefined

  constructor(network: Transport, options: ResolvedRSocketOptions) {
    this.transport = network.name
    this.network = network
    this.options = options
    const { resume, runtime, log, setupTimeoutMs } = options
    this.sessions = resume && { ...resolveResumeOptions(resume), runtime, log, answerTimeoutMs: setupTimeoutMs }
  }

  connect(address: string, { serve }: ConnectOptions = {}): Observable<Connection> {
    return new Observable(subscriber => {
      let connection: ClientConnection | undefined
      const dial = this.network.dial(address)
      const dialing = dial.subscribe({
        next: socket => {
          connection = this.connected(this.resumable(socket, dial), serve, subscriber)
          subscriber.next(connection)
        },
        error: error => {
          // What resumes may outlive the first network connection, and tells its end itself.
          if (connection === undefined || this.sessions === undefined) subscriber.error(error)
        },
      })
      return () => {
        connection?.close() // first, so that what was accepted still leaves
        dialing.unsubscribe()
      }
    })
  }

  listen(address: string, serve: (remote: Connection) => Peer): Observable<Binding> {
    return new Observable(subscriber => {
      const connections = new Set<ServerConnection>()
      const sessions = this.sessions && new ServerSessions(this.sessions)
      const stop = (): void => {
        listening.unsubscribe()
        sessions?.stop()
      }
      const listening = this.network.listen(address).subscribe({
        next: listener => {
          const binding = new RSocketBinding(listener, connections, stop)
          listener.sockets.subscribe(socket =>
            this.accept(sessions?.accept(socket) ?? socket, serve, connections, binding),
          )
          subscriber.next(binding)
        },
        error: error => subscriber.error(error),
      })
      return () => {
        stop()
        for (const connection of [...connections]) connection.close()
      }
    })
  }

  private resumable(socket: Socket, dial: Observable<Socket>): SessionSocket<ClientSession> {
    return this.sessions === undefined ? socket : new ClientResumption(socket, dial, this.sessions)
  }

  private connected(
    socket: SessionSocket<ClientSession>,
    serve: Peer | undefined,
    subscriber: Subscriber<Connection>,
  ): ClientConnection {
    const connection = new ClientConnection(socket, this.options, serve, end => {
      if (end === undefined) subscriber.complete()
      else subscriber.error(end)
    })
    connection.start()
    return connection
  }

  private accept(
    socket: SessionSocket<ServerSession>,
    serve: (remote: Connection) => Peer,
    connections: Set<ServerConnection>,
    binding: RSocketBinding,
  ): void {
    const connection: ServerConnection = new ServerConnection(socket, this.options, serve, () => {
      connections.delete(connection)
      binding.connectionEnded()
    })
    connections.add(connection)
    connection.start()
    if (binding.draining) connection.drain()
  }
}

class RSocketBinding implements Binding {
  readonly address: string
  draining: boolean
  private readonly connections: ReadonlySet<ServerConnection>
  private readonly stopListening: () => void
  private readonly drained: Set<Subscriber<never>>

  constructor(listener: Listener, connections: ReadonlySet<ServerConnection>, stopListening: () => void) {
    this.address = listener.address
    this.draining = false
    this.connections = connections
    this.stopListening = stopListening
    this.drained = new Set()
  }

  drain(): Observable<never> {
    return new Observable(subscriber => {
      this.drained.add(subscriber)
      subscriber.add(() => this.drained.delete(subscriber))
      if (!this.draining) {
        this.draining = true
        this.stopListening()
        for (const connection of [...this.connections]) connection.drain()
      }
      this.connectionEnded()
    })
  }

  connectionEnded(): void {
    if (!this.draining || this.connections.size > 0) return
    for (const subscriber of [...this.drained]) subscriber.complete()
  }
}
