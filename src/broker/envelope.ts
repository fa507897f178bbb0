import type { Header, Message } from '../core/index.js'

/** What travels with a message, beside its header and its body. */
export interface EnvelopeFacts {
  /** Id of the message; `undefined` where its publisher gave none. */
  readonly id: string | undefined
  /** The key that it was published with. */
  readonly key: string | undefined
  /** When it was published, on the publisher's clock, ms since 1970; `undefined` where its publisher does not say. */
  readonly publishedAt: number | undefined
}

/** A message as a broker carries it. */
export interface Enveloped {
  /** Names and values that the broker carries beside the payload. */
  readonly header: Header
  /** The rest. */
  readonly payload: Uint8Array
}

/** How a message and what is said about it are written for a broker that carries bytes. */
export interface Envelope {
  /**
   * Writes a message. Throws what the codec throws, and INVALID_ARGUMENT (reason `invalid_header`) for a header entry
   * whose name the envelope needs itself.
   */
  write(topic: string, message: Message, facts: EnvelopeFacts): Enveloped
  /** What there is to say about a message, whose body may be unreadable. Never throws: what is not there is `undefined`. */
  facts(enveloped: Enveloped): EnvelopeFacts
  /** Reads the message. Throws INVALID_ARGUMENT or RESOURCE_EXHAUSTED, as codecs do, when it cannot. */
  read(enveloped: Enveloped): Message
}
