import { clientStream, contract, duplex, serverStream, tell, unary } from 'millrace'

/** What a page calls: an endpoint of each kind, one that fails, one that never ends. */
export const Abacus = contract('abacus', {
  double: unary<number, number>(),
  note: tell<string>(),
  countTo: serverStream<number, number>(),
  total: clientStream<number, number>(),
  squares: duplex<number, number>(),
  echo: unary<Uint8Array, Uint8Array>(),
  fail: unary<string, never>(),
  forever: serverStream<undefined, number>(),
})

/** Items of a stream that may be on their way to a page. */
export const WINDOW = 16

/** Items that a page takes of the stream that never ends. */
export const TAKEN = 20
