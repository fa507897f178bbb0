import { contract, duplex, serverStream, unary } from 'millrace/actors'

/** What the other process knows of one run, in items. */
export interface Book {
  /** Taken from its source. */
  readonly taken: number
  /** Consumed by its slow consumer. */
  readonly consumed: number
  /** The most that was taken and not yet consumed. */
  readonly ahead: number
  /** Sources closed. */
  readonly closed: number
}

/** Sources that are asked for their next item. */
export type PullSource = 'Iterable' | 'AsyncIterable' | 'ReadableStream' | 'Readable'

const reply = () => duplex<number, number>({ pace: 'reply' })

/** What the other process offers: sources, slow consumers, and behaviours in between. The header names the run. */
export const Rows = contract('rows', {
  numbers: serverStream<number, number>(),
  pulled: serverStream<PullSource, number>(),
  pushed: serverStream<number, number>(),
  consume: duplex<unknown, unknown>(),
  stuck: duplex<unknown, never>(),
  expand: duplex<number, number>(),
  circle: duplex<number, number>(),
  replyConcatMap: reply(),
  replyMergeMap: reply(),
  replyDelay: reply(),
  replyAsap: reply(),
  replyTwice: reply(),
  replyFilter: reply(),
  replyBufferCount: reply(),
  replySwitchMap: reply(),
  replyDebounceTime: reply(),
  book: unary<string, Book>(),
})
