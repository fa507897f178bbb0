import type { Observable } from 'rxjs'
import type { Codec } from '../../codec/index.js'
import type { Message } from '../../core/index.js'
import { ByteWindow, pump, stalledTo, type Pump, type PumpOptions, type PumpSink } from '../../streams/index.js'
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
  const { runtime, log, metadata } = context
  const sink = new ItemSink(context, codec, stream)
  const name = `${contract}.${endpoint}`
  // Ours give credit for whatever is consumed; others may ask for so many items, and for no more to hear of the end.
  const lookAhead = metadata.foreign
  const options = { name, credit, failAtOnce, lookAhead, runtime, onStalled: stalledTo(log) }
  return new ItemPump(pump(items$, sink, options), sink, credit)
}

/** A pump whose credit also tells how many items have been consumed: all but the first that was given. */
class ItemPump implements Pump {
  private readonly items: Pump
  private readonly sink: ItemSink
  private begun: boolean

  constructor(items: Pump, sink: ItemSink, credit: number) {
    this.items = items
    this.sink = sink
    this.begun = credit > 0
  }

  start(): void {
    this.items.start()
  }

  request(n: number): void {
    if (this.begun) this.sink.consumed(n)
    this.begun = true
    this.items.request(n)
  }

  resume(): void {
    this.items.resume()
  }

  cancel(): void {
    this.items.cancel()
  }
}

class ItemSink implements PumpSink<Message, EncodedItem> {
  private readonly context: Multiplexer
  private readonly codec: Codec
  private readonly stream: SendingStream
  private readonly window: ByteWindow

  constructor(context: Multiplexer, codec: Codec, stream: SendingStream) {
    this.context = context
    this.codec = codec
    this.stream = stream
    // Others may give credit for many items together, however large they are, and be waited for in vain.
    this.window = new ByteWindow(context.metadata.foreign ? Infinity : context.windowBytes)
  }

  get ready(): boolean {
    const { sender } = this.context
    return sender.ready && this.window.open && !sender.isSending(this.stream.id)
  }

  blocked(): void {
    const { sender } = this.context
    // Otherwise it is credit, or the end of what is on its way, that wakes the stream.
    if (!sender.ready && !sender.isSending(this.stream.id)) sender.blocked(this.stream)
  }

  /** The peer has consumed so many items. */
  consumed(items: number): void {
    this.window.consume(items)
  }

  encode(message: Message): EncodedItem {
    return encodeItem(this.context.metadata, this.codec, message)
  }

  send(item: EncodedItem): boolean {
    const { sender } = this.context
    const { id } = this.stream
    this.window.send(item instanceof Uint8Array ? item.length : (item.data?.length ?? 0))
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
