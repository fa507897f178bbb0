import type { Duplex } from 'node:stream'
import { MAX_TIMER_MS, type Runtime } from '../../core/index.js'
import { explainErrno } from '../explain-errno.js'
import { connectionLost } from '../transport-errors.js'
import { endOf } from '../close-code.js'
import type { LingeringWebSocket } from './lingering-websocket.js'
import type { MessageLink, MessageSink } from '../message-link.js'

/** How a {@link wsLink} behaves; the meaning and defaults are those of the transport's options. */
export interface WsLinkOptions {
  /** Where turns come from. */
  readonly runtime: Runtime
  /** Frames that are written without waiting for the end of the turn. */
  readonly flushFrames: number
}

/** What a WebSocket of `ws` is made with, at either end. */
export function wsOptions(maxFrameBytes: number): {
  readonly perMessageDeflate: false
  readonly maxPayload: number
  readonly maxFragments: number
  readonly maxBufferedChunks: number
  readonly closeTimeout: number
} {
  return {
    perMessageDeflate: false,
    maxPayload: maxFrameBytes,
    // A message of 16 MiB comes in about 13 000 packets of the least size that IPv6 guarantees.
    maxFragments: 32_768,
    maxBufferedChunks: 32_768,
    closeTimeout: MAX_TIMER_MS, // ours counts progress, and goes through the Runtime
  }
}

/**
 * A link over an open WebSocket of `ws`, `stream` being what it writes to.
 *
 * What a turn has sent leaves in one write at its end, or as soon as `flushFrames` messages wait.
 */
export function wsLink(
  ws: LingeringWebSocket,
  stream: Duplex,
  { remote, runtime, flushFrames }: WsLinkOptions & { readonly remote: string },
): MessageLink {
  return new WsLink(ws, stream, remote, { runtime, flushFrames })
}

const SEND_OPTIONS = { binary: true, compress: false, fin: true }

class WsLink implements MessageLink {
  private readonly ws: LingeringWebSocket
  private readonly stream: Duplex
  private readonly remote: string
  private readonly options: WsLinkOptions
  private readonly flushTask: () => void
  private written: ((error?: Error) => void) | undefined
  private pendingMessages: number
  private flushScheduled: boolean
  private broken: Error | undefined

  constructor(ws: LingeringWebSocket, stream: Duplex, remote: string, options: WsLinkOptions) {
    this.ws = ws
    this.stream = stream
    this.remote = remote
    this.options = options
    this.flushTask = () => {
      this.flushScheduled = false
      this.flush()
    }
    this.written = undefined
    this.pendingMessages = 0
    this.flushScheduled = false
    this.broken = undefined
    ws.pause()
  }

  get unsentBytes(): number {
    return this.ws.bufferedAmount
  }

  open(sink: MessageSink): void {
    this.written = error => {
      if (!error) sink.drained() // the end tells of errors
    }
    this.stream.on('error', error => (this.broken = error)) // `ws` keeps it to itself
    this.ws.onGoodbye = () => sink.leaving(undefined)
    this.ws
      .on('message', (data: Buffer, isBinary: boolean) => (isBinary ? sink.message(data) : sink.text(data.length)))
      .on('error', error => {
        if (this.ws.refusedLong) sink.tooLong()
        else sink.leaving(connectionLost(this.remote, `it sent what is no WebSocket message: ${error.message}`, error))
      })
      .on('close', (code: number, words: Buffer) => {
        const why = this.broken === undefined ? 'it ended without a goodbye' : explainErrno(this.broken)
        sink.ended(endOf(this.remote, code, { said: words.toString(), why, cause: this.broken }))
      })
  }

  allocate(length: number): Uint8Array {
    return Buffer.allocUnsafe(length)
  }

  send(message: Uint8Array, notify: boolean): void {
    if (this.pendingMessages === 0) this.stream.cork()
    this.ws.send(message, SEND_OPTIONS, notify ? this.written : undefined)
    if (++this.pendingMessages >= this.options.flushFrames) this.flush()
    else if (!this.flushScheduled) {
      this.flushScheduled = true
      this.options.runtime.microtask(this.flushTask)
    }
  }

  read(): void {
    this.ws.resume()
  }

  close(code: number): void {
    this.ws.leave(code)
    this.flush()
  }

  destroy(): void {
    this.ws.terminate()
  }

  private flush(): void {
    if (this.pendingMessages === 0) return
    this.pendingMessages = 0
    this.stream.uncork()
  }
}
