import type { LogEvent, Runtime } from 'millrace/core'
import type { Connection, Peer } from 'millrace/protocol'
import type { RSocketOptions } from 'millrace/protocol/rsocket'
import type { MemoryFrame } from 'millrace/transport'
import { Subscription } from 'rxjs'
import type { RawPeer, SetupParts } from '../support/raw-peer.js'
import { VirtualWire, type Connected, type RawServer, type Served } from '../support/virtual-wire.js'
import type { Cut, NetworkOptions, Rig } from './rig.js'

const PATIENCE_MS = 60_000
const STEP_MS = 10

/** A rig over a network in memory. */
export class MemoryRig implements Rig {
  private readonly wire: VirtualWire
  private readonly opened: Subscription

  constructor(options: RSocketOptions, { cuts = [], ...network }: NetworkOptions) {
    this.wire = new VirtualWire(options, { ...network, faults: { frame: frame => (isCut(cuts, frame) ? 'lost' : 0) } })
    this.opened = new Subscription()
  }

  get runtime(): Runtime {
    return this.wire.runtime
  }

  get log(): readonly LogEvent[] {
    return this.wire.log
  }

  get accepted(): readonly Connection[] {
    return this.wire.accepted
  }

  async serve(peer: Peer | ((remote: Connection) => Peer), options?: RSocketOptions): Promise<Served> {
    const served = this.wire.serve(peer, options)
    this.opened.add(served.listening)
    return served
  }

  async connect(options?: RSocketOptions, serve?: Peer): Promise<Connected> {
    const connected = this.wire.connect(options, serve)
    this.opened.add(connected.lifetime.subscription)
    return connected
  }

  async rawClient(setup?: SetupParts | 'none'): Promise<RawPeer> {
    return this.wire.rawClient(setup)
  }

  async unread(): Promise<RawPeer> {
    return this.wire.unread()
  }

  async rawServer(options?: RSocketOptions, serve?: Peer): Promise<RawServer> {
    const server = this.wire.rawServer(options, serve)
    this.opened.add(server.lifetime.subscription)
    return server
  }

  async settle(): Promise<void> {
    this.wire.advance(0)
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    for (let left = PATIENCE_MS; !condition(); left -= STEP_MS) {
      if (left <= 0) throw new Error(`${what} did not come within ${PATIENCE_MS} ms`)
      this.wire.advance(STEP_MS)
    }
  }

  async pass(ms: number): Promise<void> {
    this.wire.advance(ms)
  }

  async close(): Promise<void> {
    this.opened.unsubscribe()
    this.wire.advance(0)
  }
}

/** Whether the link breaks before this frame arrives. */
function isCut(cuts: readonly Cut[], { link, toward, index }: MemoryFrame): boolean {
  const cut = cuts[link.index]
  return cut !== undefined && (cut.toward === 'server') === (toward === 'listener') && cut.after === index
}
