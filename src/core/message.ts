import { emptyHeader, type Header } from './header.js'

/**
 * One item of a call or of a topic, decoded: what interceptors, actors, brokers and tests see.
 * A body of `undefined` means that there is none, which is not the same as an empty one; a last reply without a body
 * carries trailers in its header.
 */
export interface Message {
  /** Names and values beside the body. */
  readonly header: Header
  /** The value, or `undefined` when the message has a header only. */
  readonly body: unknown
}

/** A message with `body` and no header entries. */
export function messageOf(body: unknown): Message {
  return { header: emptyHeader, body }
}
