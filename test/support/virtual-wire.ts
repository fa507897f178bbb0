import { json } from 'millrace/codec'
import {
  emptyHeader,
  messageOf,
  RpcError,
  seededRuntime,
  type LogEvent,
  type Message,
  type Runtime,
} from 'millrace/core'
import type { Binding, Call, Connection, Peer, SingleCall, StreamingCall } from 'millrace/protocol'
import { rsocket, type RSocketOptions } from 'millrace/protocol/rsocket'
import { memoryTransport, type MemoryTransportOptions, type Transport } from 'millrace/transport'
import { Observable, Subscription, VirtualTimeScheduler } from 'rxjs'
import { first } from './first.js'
import { RawPeer, type SetupParts } from './raw-peer.js'
import { record, type Recording } from './recording.js'

/** A network in virtual time on which engines meet engines, or peers that write frames by hand. */
export class VirtualWire {
  readonly runtime: Runtime
  readonly transport: Transport
  /** What the engines have logged. */
  readonly log: LogEvent[]
  /** The connections that servers have accepted. */
  readonly accepted: Connection[]
  private readonly scheduler: VirtualTimeScheduler
  private readonly options: RSocketOptions
  /** A dial's question and its answer, and one thing more. */
  private readonly dialMs: number

  constructor(options: RSocketOptions = {}, network: MemoryTransportOptions = {}) {
    this.scheduler = new VirtualTimeScheduler()
    this.runtime = seededRuntime({ scheduler: this.scheduler, seed: 1 })
    this.transport = memoryTransport({ runtime: this.runtime, ...network })
    this.dialMs = 3 * (network.latencyMs ?? 0)
    this.log = []
    this.accepted = []
    this.options = { runtime: this.runtime, codec: json(), log: event => this.log.push(event), ...options }
  }

  /** Lets `ms` pass. */
  advance(ms: number): void {
    const until = this.scheduler.frame + ms
    this.scheduler.maxFrames = until
    this.scheduler.flush()
    this.scheduler.frame = until
  }

  /** Timers and tasks that are still to run. */
  get pending(): number {
    return this.scheduler.actions.length
  }

  /** An engine that answers at `memory:server`. */
  serve(peer: Peer | ((remote: Connection) => Peer), options: RSocketOptions = {}): Served {
    const serving = typeof peer === 'function' ? peer : (): Peer => peer
    const protocol = rsocket(this.transport, { ...this.options, ...options })
    const served: { binding?: Binding; listening: Subscription } = { listening: new Subscription() }
    served.listening.add(
      protocol
        .listen('memory:server', remote => {
          this.accepted.push(remote)
          return serving(remote)
        })
        .subscribe(binding => (served.binding = binding)),
    )
    this.advance(0)
    return served as Served
  }

  /** An engine connected to `memory:server`. */
  connect(options: RSocketOptions = {}, serve?: Peer): Connected {
    const protocol = rsocket(this.transport, { ...this.options, ...options })
    const lifetime = record(protocol.connect('memory:server', serve === undefined ? {} : { serve }))
    this.advance(0)
    return {
      lifetime,
      get connection() {
        return first(lifetime.values)
      },
    }
  }

  /** A peer by hand connected to the engine at `memory:server`, SETUP sent. */
  rawClient(setup: SetupParts | 'none' = {}): RawPeer {
    return this.dial(setup, true)
  }

  /** A peer by hand that never reads, SETUP sent. */
  unread(): RawPeer {
    return this.dial({}, false)
  }

  /** An engine connected to a peer by hand, whose SETUP has been taken out of what the peer received. */
  rawServer(options: RSocketOptions = {}, serve?: Peer): RawServer {
    const peers: RawPeer[] = []
    this.transport
      .listen('memory:server')
      .subscribe(listener => listener.sockets.subscribe(socket => peers.push(new RawPeer(socket))))
    this.advance(0)
    const { lifetime, connection } = this.connect(options, serve)
    const peer = first(peers)
    return { lifetime, connection, peer, peers, setup: peer.received.shift() as Uint8Array }
  }

  private dial(setup: SetupParts | 'none', reads: boolean): RawPeer {
    let peer: RawPeer | undefined
    this.transport
      .dial('memory:server')
      .subscribe({ next: socket => (peer = new RawPeer(socket, reads)), error: () => {} })
    this.advance(this.dialMs)
    if (setup !== 'none') peer?.setup(setup)
    this.advance(0)
    return peer as RawPeer
  }
}

/** A server that listens. */
export interface Served {
  readonly binding: Binding
  /** Unsubscribing aborts it. */
  readonly listening: Subscription
}

/** A client that is connected. */
export interface Connected {
  readonly connection: Connection
  readonly lifetime: Recording<Connection>
}

/** A client engine, and the peer by hand at its other end. */
export interface RawServer extends Connected {
  /** The peer of the first connection. */
  readonly peer: RawPeer
  /** The peers of all connections, oldest first. */
  readonly peers: readonly RawPeer[]
  /** The SETUP of the first connection. */
  readonly setup: Uint8Array
}

/** Handlers by endpoint. */
export type Handlers = { readonly [endpoint: string]: (call: never) => Observable<Message> }

/** A peer that answers with `handlers`. */
export function answering(handlers: Handlers): Peer {
  return {
    call(call) {
      const handler = handlers[call.route.endpoint] as ((call: Call) => Observable<Message>) | undefined
      if (handler !== undefined) return handler(call)
      throw new RpcError('UNIMPLEMENTED', `no endpoint ${call.route.endpoint}`, { reason: 'unknown_endpoint' })
    },
  }
}

const routes = new Map<string, Call['route']>()

function headOf(endpoint: string): Pick<Call, 'route' | 'header' | 'deadline' | 'key'> {
  let route = routes.get(endpoint)
  if (route === undefined) {
    route = { contract: 'test', version: '1.0.0', endpoint }
    routes.set(endpoint, route)
  }
  return { route, header: emptyHeader, deadline: undefined, key: undefined }
}

/** A call with one request. */
export function single(kind: SingleCall['kind'], endpoint: string, body?: unknown): SingleCall {
  return { ...headOf(endpoint), kind, body }
}

/** A call with a stream of requests, given as bodies. */
export function streaming(kind: StreamingCall['kind'], endpoint: string, bodies: Observable<unknown>): StreamingCall {
  const messages = new Observable<Message>(subscriber =>
    bodies.subscribe({
      next: body => subscriber.next(messageOf(body)),
      error: error => subscriber.error(error),
      complete: () => subscriber.complete(),
    }),
  )
  return { ...headOf(endpoint), kind, messages }
}

/** The bodies of recorded messages. */
export function bodiesOf({ values }: Recording<Message>): unknown[] {
  return values.map(({ body }) => body)
}
