import type { Observable } from 'rxjs'
import type { Codec } from '../../codec/index.js'
import type { Message } from '../../core/index.js'
import { pump, stalledTo, type Pump, type PumpOptions, type PumpSink } from '../../streams/index.js'
import type { Route } from '../peer.js'
import { LARGE_ITEM_BYTES } from './consumed-bytes.js'
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
): ItemPump {
  const { runtime, log, metadata } = context
  const sink = new ItemSink(context, codec, stream)
  const name = `${contract}.${endpoint}`
  // Ours give credit for whatever is consumed; others may ask for so many items, and for no more to hear of the end.
  const lookAhead = metadata.foreign
  const options = { name, credit, failAtOnce, lookAhead, runtime, onStalled: stalledTo(log) }
  return new ItemPump(pump(items$, sink, options), sink)
}

/** A pump that also hears how many bytes of its large items the peer has consumed. */
export class ItemPump implements Pump {
  private readonly items: Pump
  private readonly sink: ItemSink

  /** A pump of `items` into `sink`. */
  constructor(items: Pump, sink: ItemSink) {
    this.items = items
    this.sink = sink
  }

  start(): void {
    this.items.start()
  }

  request(n: number): void {
    this.items.request(n)
  }

  resume(): void {
    this.items.resume()
  }

  cancel(): void {
    this.items.cancel()
  }

  /** So many more. */
  consumed(bytes: number): void {
    this.sink.consumed(bytes)
    if (!this.sink.sending) this.items.resume()
  }
}

class ItemSink implements PumpSink<Message, EncodedItem> {
  private readonly context: Multiplexer
  private readonly codec: Codec
  private readonly stream: SendingStream
  private readonly windowBytes: number
  /** Bytes of large items that the peer has not consumed. */
  private largeBytes: number

  constructor(context: Multiplexer, codec: Codec, stream: SendingStream) {
    this.context = context
    this.codec = codec
    this.stream = stream
    this.windowBytes = context.metadata.foreign ? Infinity : context.windowBytes // others do not tell what they consume
    this.largeBytes = 0
  }

  get ready(): boolean {
    const { sender } = this.context
    return sender.ready && this.largeBytes < this.windowBytes && !this.sending
  }

  /** Whether an item is on its way in fragments. */
  get sending(): boolean {
    return this.context.sender.isSending(this.stream.id)
  }

  blocked(): void {
    const { sender } = this.context
    // Otherwise it is what the peer consumes, or the end of what is on its way, that wakes the stream.
    if (!sender.ready && !this.sending) sender.blocked(this.stream)
  }

  /** The peer has consumed so many bytes of large items. */
  consumed(bytes: number): void {
    this.largeBytes = Math.max(0, this.largeBytes - bytes)
  }

  encode(message: Message): EncodedItem {
    return encodeItem(this.context.metadata, this.codec, message)
  }

  send(item: EncodedItem): boolean {
    const { sender } = this.context
    const { id } = this.stream
    const bytes = item instanceof Uint8Array ? item.length : (item.data?.length ?? 0)
    if (bytes >= LARGE_ITEM_BYTES) this.largeBytes += bytes
    if (id === 0) this.stream.openWith?.(item)
    else sendItem(sender, id, item, 0)
    if (!this.sending) return true
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
