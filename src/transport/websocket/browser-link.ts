import type { Subscription } from 'rxjs'
import type { Runtime } from '../../core/index.js'
import { inboundOverflow } from '../transport-errors.js'
import { endOf, FROM_PAGE, NORMAL } from '../close-code.js'
import type { MessageLink, MessageSink } from '../message-link.js'

/** The part of a browser's WebSocket that is used here. */
export interface PlatformWebSocket {
  /** How messages are given, `blob` or `arraybuffer`. */
  binaryType: string
  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  readonly readyState: number
  /** Bytes that were accepted and that the network has not taken. */
  readonly bufferedAmount: number
  /** Calls `listener` when the connection is open. */
  addEventListener(type: 'open', listener: () => void): void
  /** Calls `listener` with each message, a string or as `binaryType` says. */
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
  /** Calls `listener` when the connection has ended, or did not come about. */
  addEventListener(type: 'close', listener: (event: CloseNotice) => void): void
  /** Sends a message. */
  send(data: Uint8Array): void
  /** Closes; codes are 1000 and 3000 to 4999. */
  close(code?: number): void
}

/** How a WebSocket of a browser ended. */
export interface CloseNotice {
  /** The code of the closing frame, 1006 when there was none. */
  readonly code: number
  /** The words of the closing frame. */
  readonly reason: string
}

/** How a {@link browserLink} behaves. */
export interface BrowserLinkOptions {
  /** Address of the other end, for errors. */
  readonly remote: string
  /** Where turns and timers come from. */
  readonly runtime: Runtime
  /** Most bytes that are kept before messages are read; beyond it the connection ends. */
  readonly maxEarlyBytes: number
}

/** Link over an open WebSocket of a browser, whose `binaryType` is `arraybuffer`. */
export function browserLink(ws: PlatformWebSocket, options: BrowserLinkOptions): MessageLink {
  return new BrowserLink(ws, options)
}

/** A browser tells by no event that it has sent; timers of 4 ms are the shortest that it keeps. */
const DRAIN_POLL_MS = 4

const OPEN = 1
const NO_BYTES = new Uint8Array(0)

class BrowserLink implements MessageLink {
  private readonly ws: PlatformWebSocket
  private readonly options: BrowserLinkOptions
  /** `undefined` before `open` and after the end. */
  private sink: MessageSink | undefined
  /** What came before `read`: a browser cannot be told to wait. */
  private early: (ArrayBuffer | string)[] | undefined
  private earlyBytes: number
  private polling: Subscription | undefined

  constructor(ws: PlatformWebSocket, options: BrowserLinkOptions) {
    this.ws = ws
    this.options = options
    this.sink = undefined
    this.early = []
    this.earlyBytes = 0
    this.polling = undefined
  }

  get unsentBytes(): number {
    return this.ws.bufferedAmount
  }

  open(sink: MessageSink): void {
    const { ws } = this
    this.sink = sink
    ws.addEventListener('message', ({ data }) => this.receive(data as ArrayBuffer | string))
    ws.addEventListener('close', ({ code, reason }) => {
      this.sink?.ended(endOf(this.options.remote, code, { said: reason, why: 'it ended without a goodbye' }))
    })
  }

  allocate(length: number): Uint8Array {
    return new Uint8Array(length)
  }

  send(message: Uint8Array, notify: boolean): void {
    if (this.ws.readyState !== OPEN) return // the end is on its way
    this.ws.send(message)
    if (notify) this.polling ??= this.poll()
  }

  read(): void {
    const { early } = this
    this.early = undefined
    for (const data of early ?? []) this.deliver(data)
  }

  close(code: number): void {
    this.ws.close(code === NORMAL ? NORMAL : FROM_PAGE + code)
  }

  /** A browser cannot drop what it has accepted; it sends it, and closes then. */
  destroy(): void {
    this.polling?.unsubscribe()
    this.early = undefined
    this.sink = undefined
    this.ws.close()
  }

  private receive(data: ArrayBuffer | string): void {
    const { early, sink } = this
    if (early === undefined || sink === undefined) return this.deliver(data)
    early.push(data)
    this.earlyBytes += typeof data === 'string' ? data.length : data.byteLength
    const { remote, maxEarlyBytes } = this.options
    if (this.earlyBytes > maxEarlyBytes) sink.ended(inboundOverflow(remote, maxEarlyBytes))
  }

  private deliver(data: ArrayBuffer | string): void {
    if (typeof data === 'string') this.sink?.text(data.length)
    else this.sink?.message(data.byteLength === 0 ? NO_BYTES : new Uint8Array(data))
  }

  private poll(): Subscription {
    return this.options.runtime.scheduler.schedule(() => {
      this.polling = this.ws.bufferedAmount > 0 ? this.poll() : undefined
      if (this.polling === undefined) this.sink?.drained()
    }, DRAIN_POLL_MS)
  }
}
