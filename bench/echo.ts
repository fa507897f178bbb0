import { contract, duplex, serverStream, unary } from 'millrace'
import type { Item } from './payload.js'

/** The service that the benches call. */
export const Echo = contract(
  'echo',
  { unary: unary<Item, Item>(), stream: serverStream<number, Item>(), duplex: duplex<Item, Item>() },
  { version: '1.0.0' },
)
