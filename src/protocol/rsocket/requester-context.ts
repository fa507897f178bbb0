import type { RpcError } from '../../core/index.js'
import type { Multiplexer } from './multiplexer.js'
import type { Stream } from './stream.js'

/** What a requester needs of its connection. */
export interface RequesterContext extends Multiplexer {
  /** Why no request can be made now, if so. */
  refusal(): RpcError | undefined
  /** Gives the next stream id, and enters the stream into the table if there is one. */
  open(stream: Stream | undefined): number
}
