import type { Msg } from 'nats'
import type { NatsHeaders, NatsMessage } from './nats-link.js'
import { clientHeaders, headersBefore } from './received-headers.js'

/** How long the headers of a message are, which the client's types do not tell. */
interface Measured {
  /** What the first line of the message has said. */
  readonly _msg?: { readonly hdr?: number }
}

/** A message as the client library gives it; what is expensive is read when it is asked for. */
export class ReceivedMessage implements NatsMessage {
  readonly data: Uint8Array
  private readonly message: Msg & Measured
  private read: NatsHeaders | undefined

  constructor(message: Msg) {
    this.data = message.data
    this.message = message
    this.read = undefined
  }

  get subject(): string {
    return this.message.subject
  }

  get reply(): string | undefined {
    return this.message.reply
  }

  get headers(): NatsHeaders | undefined {
    return (this.read ??= this.headersInFront() ?? (this.message.headers && clientHeaders(this.message.headers)))
  }

  private headersInFront(): NatsHeaders | undefined {
    const length = this.message._msg?.hdr
    return length === undefined ? undefined : headersBefore(this.data, length)
  }
}
