import type { RpcError } from '../../core/index.js'
import type { LeaseGate } from './lease-gate.js'
import type { Multiplexer } from './multiplexer.js'
import type { Stream } from './stream.js'

/** What a requester needs of its connection. */
export interface RequesterContext extends Multiplexer {
  /** Keeps requests within the leases of the peer, if it gives any. */
  readonly leases: LeaseGate | undefined
  /** Streams of ours that have no id yet: they hear of the end of the connection as others do. */
  readonly unopened: Set<Stream>
  /** Why no request can be made now, if so. */
  refusal(): RpcError | undefined
  /** Gives the next stream id, and enters the stream into the table. */
  open(stream: Stream): number
}
