import { RpcError, type Message } from '../../core/index.js'
import { CreditWindow, deliver } from '../../streams/index.js'
import type { ReplyObserver } from '../peer.js'
import { consumption } from './consumed-bytes.js'
import { FrameType } from './frame.js'
import { readItem } from './multiplexer.js'
import type { RequesterContext } from './requester-context.js'

/** The receiving half that streams and channels share. */
export class ReplyReceiver {
  private readonly context: RequesterContext
  private readonly observer: ReplyObserver
  private readonly window: CreditWindow
  private readonly consume: () => boolean
  private id: number
  private ended: boolean

  constructor(context: RequesterContext, observer: ReplyObserver, credit: number) {
    this.context = context
    this.observer = observer
    this.id = 0
    this.ended = false
    this.window = new CreditWindow(credit, n => {
      this.context.sender.send(this.id, FrameType.REQUEST_N, 0, n, undefined, undefined)
    })
    this.consume = () => {
      if (!this.ended) this.window.consume()
      return !this.ended
    }
  }

  /** The id is known once the request is sent. */
  opened(id: number): void {
    this.id = id
  }

  /** No credit goes out any more. */
  end(): void {
    this.ended = true
  }

  /** Delivers the item of a PAYLOAD frame. Gives what is wrong with it, if anything. */
  receive(bytes: Uint8Array, metadataStart: number, metadataEnd: number, end: number, last: boolean): unknown {
    if (!this.window.receive()) return creditExceeded()
    let message: Message
    try {
      message = readItem(this.context.metadata, this.context.codec, bytes, metadataStart, metadataEnd, end)
    } catch (error) {
      return error
    }
    if (last) this.ended = true
    deliver(this.observer, message, consumption(this.context, this.id, end - metadataEnd, this.consume))
    return undefined
  }
}

function creditExceeded(): RpcError {
  return new RpcError('RESOURCE_EXHAUSTED', 'the peer sent more items than it was asked for', {
    reason: 'credit_exceeded',
  })
}
