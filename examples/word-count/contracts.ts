import { contract, duplex, serverStream } from 'millrace'

/** A word and how often it came. */
export type WordCount = readonly [word: string, count: number]

/** What the counter has counted so far. */
export interface Totals {
  readonly lines: number
  readonly words: number
  readonly distinct: number
  /** The most frequent words; empty until the last totals of a call, for finding them takes a look at every word. */
  readonly top: readonly WordCount[]
}

/** Reads files. A path is bytes, for a file name need not be UTF-8. */
export const Reader = contract('reader', {
  lines: serverStream<Uint8Array, string>(),
})

/** Splits lines into words: one array a line, in the order of the lines. */
export const Tokenizer = contract('tokenizer', {
  words: duplex<string, readonly string[]>({ pace: 'reply' }),
})

/** Counts words: running totals every few lines, and the whole totals when the words have ended. */
export const Counter = contract('counter', {
  totals: duplex<readonly string[], Totals>(),
})
