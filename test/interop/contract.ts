import { contract, duplex, clientStream, serverStream, tell, unary } from 'millrace/actors'

/** What both peers serve: in composite metadata `echo` is the route `interop.echo`. The Java side is Handlers.java. */
export const Interop = contract(
  'interop',
  {
    /** Gives back what it was asked. */
    echo: unary<unknown, unknown>(),
    /** A text of so many characters. */
    fill: unary<number, string>(),
    /** Three texts of so many characters. */
    fills: serverStream<number, string>(),
    /** Fails in the way that it is told. */
    fail: unary<string>(),
    /** Replies without a value. */
    nothing: unary(),
    /** Never replies. */
    never: unary(),
    /** The credentials that came with the request, as text. */
    credentials: unary<void, string>(),
    /** The numbers from 0, so many. */
    range: serverStream<number, number>(),
    /** Neither an item nor an end. */
    forever: serverStream(),
    /** An end at once. */
    none: serverStream(),
    /** Each number doubled. */
    twice: duplex<number, number>(),
    /** All numbers added up. */
    sum: clientStream<number, number>(),
    /** Two numbers, then 99, and no more numbers are wanted. */
    firstTwo: duplex<number, number>(),
    /** Fails as soon as it is asked. */
    refuse: duplex<number, number>(),
    /** Something to remember. */
    note: tell<unknown>(),
  },
  { version: '1.0.0' },
)
