import type { LogEvent, Runtime } from 'millrace/core'
import type { Connection, Peer } from 'millrace/protocol'
import type { RSocketOptions } from 'millrace/protocol/rsocket'
import type { RawPeer, SetupParts } from '../support/raw-peer.js'
import type { Connected, RawServer, Served } from '../support/virtual-wire.js'

/** What frames travel over. */
export type Network = 'memory' | 'tcp' | 'websocket'

/** What a network may be told. */
export interface NetworkOptions {
  /** Longest frame. */
  readonly maxFrameBytes?: number
  /** Unsent bytes above which senders pause. */
  readonly highWaterMarkBytes?: number
  /** Where the connections of {@link Rig.connect} are cut, in the order in which they are opened. */
  readonly cuts?: readonly Cut[]
}

/** Where a connection breaks: behind so many frames in memory, or so many bytes on sockets, in one direction. */
export interface Cut {
  /** Who was to receive them. */
  readonly toward: 'server' | 'client'
  /** How many still arrive. */
  readonly after: number
}

/**
 * Engines and peers by hand on one network. Time is virtual on each: it stands still unless {@link Rig.pass} is called,
 * so that a point about time says the same over memory and over sockets, and neither waits.
 */
export interface Rig {
  /** What the engines go by. */
  readonly runtime: Runtime
  /** What the engines have logged. */
  readonly log: readonly LogEvent[]
  /** The connections that servers have accepted. */
  readonly accepted: readonly Connection[]
  /** An engine that answers; there is one on a rig. */
  serve(peer: Peer | ((remote: Connection) => Peer), options?: RSocketOptions): Promise<Served>
  /** An engine connected to the one that answers. */
  connect(options?: RSocketOptions, serve?: Peer): Promise<Connected>
  /** A peer by hand connected to the engine that answers, SETUP sent. */
  rawClient(setup?: SetupParts | 'none'): Promise<RawPeer>
  /** The same, which never reads. */
  unread(): Promise<RawPeer>
  /** An engine connected to a peer by hand, whose SETUP has been taken out of what the peer received. */
  rawServer(options?: RSocketOptions, serve?: Peer): Promise<RawServer>
  /** Waits until every frame has arrived, and whatever that led to. */
  settle(): Promise<void>
  /** Lets time pass until something has come about; fails, and says what, when it does not. */
  until(what: string, condition: () => boolean): Promise<void>
  /** Lets `ms` of virtual time pass. */
  pass(ms: number): Promise<void>
  /** Ends everything that is still there. */
  close(): Promise<void>
}

/** What a point gets to work with. */
export interface Lab {
  readonly network: Network
  /** Whether the points about large numbers run in full. */
  readonly thorough: boolean
  /** An empty rig. */
  open(options?: RSocketOptions, network?: NetworkOptions): Rig
}
