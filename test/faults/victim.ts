import { contract, duplex, serverStream, unary, unchecked } from 'millrace/actors'
import * as v from 'valibot'

/** What a service counts of its streams. */
export interface Counts {
  /** Ticks produced. */
  readonly ticks: number
  /** Items produced. */
  readonly items: number
  /** Streams torn down. */
  readonly tornDown: number
}

const endpoints = {
  echo: unary<unknown, unknown>(),
  never: unary<void, never>(),
  throws: unary(),
  checked: unary({ request: v.object({ user: v.object({ age: v.number() }) }), reply: unchecked<boolean>() }),
  ticks: serverStream<void, number>(),
  items: serverStream<void, number>(),
  both: duplex<unknown, unknown>(),
  counts: unary<void, Counts>(),
  later: unary<number, number>(),
}

/** What the service under test offers. */
export const Victim = contract('victim', endpoints)

/** The same contract in a version that the service does not know. */
export const NewerVictim = contract('victim', { ...endpoints, gone: unary() })
