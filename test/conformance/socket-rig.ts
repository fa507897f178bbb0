import { json } from 'millrace/codec'
import { seededRuntime, systemRuntime, type LogEvent, type Runtime } from 'millrace/core'
import type { Binding, Connection, Peer } from 'millrace/protocol'
import { rsocket, type RSocketOptions } from 'millrace/protocol/rsocket'
import type { Listener, Socket, Transport } from 'millrace/transport'
import { Subscription, VirtualTimeScheduler } from 'rxjs'
import { eventually, turn } from '../support/deadline.js'
import { CuttingProxy } from '../support/cutting-proxy.js'
import { first } from '../support/first.js'
import { RawPeer, type SetupParts } from '../support/raw-peer.js'
import { record } from '../support/recording.js'
import type { Connected, RawServer, Served } from '../support/virtual-wire.js'
import type { Cut, NetworkOptions, Rig } from './rig.js'
import { Traffic } from './traffic.js'

/** The sockets of a rig. */
export interface SocketNetwork {
  /** Makes its transport. */
  transport(limits: Omit<NetworkOptions, 'cuts'>): Transport
  /** What the engines get instead of the transport, as a test of the points has it. @default the transport */
  wrap?(transport: Transport): Transport
}

const ANY_ADDRESS = '127.0.0.1:0'
const PATIENCE_MS = 15_000
/** Turns of the event loop without any frame after which nothing more comes of the last one. */
const STILL_TURNS = 3

/** A rig over sockets of the system: frames take their time, the clocks of the engines do not. */
export class SocketRig implements Rig {
  readonly runtime: Runtime
  readonly log: LogEvent[]
  readonly accepted: Connection[]
  private readonly scheduler: VirtualTimeScheduler
  private readonly traffic: Traffic
  private readonly transport: Transport
  private readonly cuts: readonly Cut[] | undefined
  private proxy: CuttingProxy | undefined
  private readonly options: RSocketOptions
  private readonly opened: Subscription
  private address: string

  constructor({ transport, wrap = same }: SocketNetwork, options: RSocketOptions, { cuts, ...limits }: NetworkOptions) {
    this.scheduler = new VirtualTimeScheduler()
    const { random, id } = seededRuntime({ scheduler: this.scheduler, seed: 1 })
    this.runtime = { ...systemRuntime(), scheduler: this.scheduler, random, id }
    this.log = []
    this.accepted = []
    this.traffic = new Traffic()
    this.transport = wrap(this.traffic.over(transport(limits)))
    this.cuts = cuts
    this.proxy = undefined
    this.options = { runtime: this.runtime, codec: json(), log: event => this.log.push(event), ...options }
    this.opened = new Subscription()
    this.address = ''
  }

  async serve(peer: Peer | ((remote: Connection) => Peer), options: RSocketOptions = {}): Promise<Served> {
    const bindings: Binding[] = []
    const accept = (remote: Connection): Peer => {
      this.accepted.push(remote)
      return typeof peer === 'function' ? peer(remote) : peer
    }
    const listening = this.protocol(options)
      .listen(ANY_ADDRESS, accept)
      .subscribe(binding => bindings.push(binding))
    this.opened.add(listening)
    await eventually(() => bindings.length > 0, PATIENCE_MS, 'the binding')
    const binding = first(bindings)
    this.address = binding.address
    if (this.cuts !== undefined) await this.cutConnections(this.cuts)
    return { binding, listening }
  }

  async connect(options: RSocketOptions = {}, serve?: Peer): Promise<Connected> {
    const lifetime = record(this.protocol(options).connect(this.address, serve === undefined ? {} : { serve }))
    this.opened.add(lifetime.subscription)
    const known = (): boolean => lifetime.values.length > 0 || lifetime.error !== undefined
    await eventually(known, PATIENCE_MS, 'the connection')
    await this.settle()
    return {
      lifetime,
      get connection() {
        return first(lifetime.values)
      },
    }
  }

  rawClient(setup: SetupParts | 'none' = {}): Promise<RawPeer> {
    return this.dial(setup, true)
  }

  unread(): Promise<RawPeer> {
    return this.dial({}, false)
  }

  async rawServer(options: RSocketOptions = {}, serve?: Peer): Promise<RawServer> {
    const listeners: Listener[] = []
    const peers: RawPeer[] = []
    const listening = this.transport.listen(ANY_ADDRESS).subscribe(listener => {
      listener.sockets.subscribe(socket => peers.push(new RawPeer(socket)))
      listeners.push(listener)
    })
    this.opened.add(listening)
    await eventually(() => listeners.length > 0, PATIENCE_MS, 'the listener')
    this.address = first(listeners).address
    const { lifetime, connection } = await this.connect(options, serve)
    await eventually(() => (peers[0]?.received.length ?? 0) > 0, PATIENCE_MS, 'SETUP')
    const peer = first(peers)
    return { lifetime, connection, peer, peers, setup: peer.received.shift() as Uint8Array }
  }

  async settle(): Promise<void> {
    let still = 0
    let seen = -1
    const settled = (): boolean => {
      this.advanceTo(this.scheduler.frame)
      still = this.traffic.quiet && this.traffic.count === seen ? still + 1 : 0
      seen = this.traffic.count
      return still > STILL_TURNS
    }
    await eventually(settled, PATIENCE_MS, 'silence on the network').catch((error: unknown) => {
      throw new Error(`${String(error)}: ${JSON.stringify(this.traffic.busy)}`)
    })
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    // A turn counts as a millisecond, which is about what it takes, for timers are part of what is waited for.
    const passing = (): boolean => {
      this.advanceTo(this.scheduler.frame + 1)
      return condition()
    }
    await eventually(passing, PATIENCE_MS, what)
  }

  async pass(ms: number): Promise<void> {
    await this.settle()
    const until = this.scheduler.frame + ms
    for (let due = this.nextDue(); due <= until; due = this.nextDue()) {
      this.advanceTo(due)
      await this.settle()
    }
    this.advanceTo(until)
    await this.settle()
  }

  async close(): Promise<void> {
    this.opened.unsubscribe()
    await this.proxy?.close()
    await turn()
  }

  private async dial(setup: SetupParts | 'none', reads: boolean): Promise<RawPeer> {
    const sockets: Socket[] = []
    const dialing = this.transport
      .dial(this.address)
      .subscribe({ next: socket => sockets.push(socket), error: () => {} })
    this.opened.add(dialing)
    await eventually(() => sockets.length > 0, PATIENCE_MS, 'a socket')
    const peer = new RawPeer(first(sockets), reads)
    if (setup !== 'none') peer.setup(setup)
    await this.settle()
    return peer
  }

  /** Lets connections go through a proxy, which breaks them. */
  private async cutConnections(cuts: readonly Cut[]): Promise<void> {
    const port = /:(\d+)(?!.*:\d)/
    this.proxy = new CuttingProxy(
      Number(port.exec(this.address)?.[1]),
      cuts.map(({ toward, after }) => ({ toward, bytes: after })),
    )
    this.address = this.address.replace(port, port.exec(await this.proxy.listen())?.[0] ?? '')
  }

  private protocol(options: RSocketOptions): ReturnType<typeof rsocket> {
    return rsocket(this.transport, { ...this.options, ...options })
  }

  private nextDue(): number {
    return this.scheduler.actions[0]?.delay ?? Infinity
  }

  private advanceTo(time: number): void {
    this.scheduler.maxFrames = time
    this.scheduler.flush()
    this.scheduler.frame = time
  }
}

function same(transport: Transport): Transport {
  return transport
}
