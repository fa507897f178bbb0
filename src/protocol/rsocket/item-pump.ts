import type { Observable } from 'rxjs'
import type { Codec } from '../../codec/index.js'
import type { Message } from '../../core/index.js'
import { pump, stalledTo, type Pump, type PumpOptions, type PumpSink } from '../../streams/index.js'
import type { Route } from '../peer.js'
import { encodeItem, logTeardown, sendItem, type EncodedItem, type Multiplexer } from './multiplexer.js'
import type { Stream } from './stream.js'

/** A stream that sends items. */
export interface SendingStream extends Stream {
  /** Its id on the connection; 0 before it is opened. */
  readonly id: number
  /** Opens it with its first item; only of streams that begin without an id. */
  openWith?(item: EncodedItem): void
  /** The source has completed, and every item is sent. */
  allSent(): void
  /** The source has failed, or an item could not be sent. */
  sendingFailed(error: unknown): void
}

/** Pumps `items$` out on `stream`, as far as the peer gives credit and the socket takes them. */
export function itemPump(
  context: Multiplexer,
  stream: SendingStream,
  { contract, endpoint }: Route,
  codec: Codec,
  items$: Observable<Message>,
  { credit, failAtOnce = false }: Pick<PumpOptions, 'credit' | 'failAtOnce'>,
): Pump {
  const { runtime, log } = context
  const name = `${contract}.${endpoint}`
  return pump(items$, new ItemSink(context, codec, stream), {
    name,
    credit,
    failAtOnce,
    runtime,
    onStalled: stalledTo(log),
  })
}

class ItemSink implements PumpSink<Message, EncodedItem> {
  private readonly context: Multiplexer
  private readonly codec: Codec
  private readonly stream: SendingStream

  constructor(context: Multiplexer, codec: Codec, stream: SendingStream) {
    this.context = context
    this.codec = codec
    this.stream = stream
  }

  get ready(): boolean {
    const { sender } = this.context
    return sender.ready && !sender.isSending(this.stream.id)
  }

  blocked(): void {
    const { sender } = this.context
    if (!sender.isSending(this.stream.id)) sender.blocked(this.stream)
  }

  encode(message: Message): EncodedItem {
    return encodeItem(this.context.metadata, this.codec, message)
  }

  send(item: EncodedItem): boolean {
    const { sender } = this.context
    const { id } = this.stream
    if (id === 0) this.stream.openWith?.(item)
    else sendItem(sender, id, item, 0)
    if (!sender.isSending(this.stream.id)) return true
    sender.whenSent(this.stream.id, this.stream)
    return false
  }

  complete(): void {
    this.stream.allSent()
  }

  fail(error: unknown): void {
    this.stream.sendingFailed(error)
  }

  teardownFailed(error: unknown): void {
    logTeardown(this.context.log, error)
  }
}
