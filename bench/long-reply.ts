import { contract, unary } from 'millrace'
import { msgpack } from 'millrace/codec/msgpack'
import type { RSocketOptions } from 'millrace/protocol/rsocket'
import type { Item } from './payload.js'

/** A service with short replies and one that is long. */
export const Replies = contract(
  'replies',
  { short: unary<Item, Item>(), long: unary<number, Uint8Array>() },
  { version: '1.0.0' },
)

/** Bytes of the long reply. */
export const LONG_BYTES = 100_000_000

const LIMIT = 2 * LONG_BYTES

/** What both sides need so that the long reply is within their limits. */
export const options: RSocketOptions = {
  codec: msgpack({ maxBytes: LIMIT }),
  maxPayloadBytes: LIMIT,
  maxReassemblyBytes: LIMIT,
}
