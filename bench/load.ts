import { contract, duplex, serverStream, unary } from 'millrace'

/** Bytes of each item. */
export const ITEM_BYTES = 1024

/** The service that the benches of flow control put under load. */
export const Load = contract(
  'load',
  {
    /** Items as fast as they are taken, without end. */
    items: serverStream<void, Uint8Array>(),
    /** Works on each item for a millisecond and answers with its number. */
    work: duplex<Uint8Array, number>({ pace: 'reply' }),
    /** A round trip. */
    ping: unary<number, number>(),
  },
  { version: '1.0.0' },
)
