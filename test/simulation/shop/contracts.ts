import { clientStream, contract, duplex, serverStream, tell, unary } from 'millrace/actors'

/** Something that is sold. In a stream, `n` counts from 1, so that a gap, a repetition or a swap shows. */
export interface Line {
  readonly n: number
  readonly item: string
}

/** A line of which a number of pieces is set aside. */
export interface Reserved extends Line {
  readonly by: string
}

/** What is in the warehouse. */
export const Stock = contract('stock', {
  price: unary<string, number>({ idempotent: true }),
  reserve: unary<Line, Reserved>(),
  listing: serverStream<number, Line>(),
  delivered: clientStream<Line, number>(),
  damaged: tell<Line>(),
})

/** What has been ordered. */
export const Orders = contract('orders', {
  place: unary<Line, string>(),
  label: duplex<Line, Line>(),
  history: serverStream<number, Line>(),
})

/** What buyers see: a gateway, which answers nothing by itself. */
export const Shop = contract('shop', {
  quote: unary<string, number>({ idempotent: true }),
  buy: unary<Line, string>(),
  catalogue: serverStream<number, Line>(),
  worth: clientStream<string, number>(),
  basket: duplex<Line, Line>(),
  visited: tell<Line>(),
})
