import { Observable, type Subscriber } from 'rxjs'
import type { RpcError } from '../core/index.js'
import { inboundTaken } from './transport-errors.js'
import type { Frame } from './transport.js'

/** What a socket does when its frames are subscribed, and when they are not any more. */
export interface InboundOwner {
  /** Begins to read. */
  taken(): void
  /** The subscriber has gone. */
  released(): void
}

/** What arrives at a socket: its one subscriber, whether it has ended, and why. */
export class Inbound {
  /** The frames, for one subscriber. */
  readonly frames: Observable<Frame>
  /** The first reason why it ended, or is going to. */
  failure: RpcError | undefined
  private readonly remote: string
  private readonly owner: InboundOwner
  private subscriber: Subscriber<Frame> | undefined
  private isTaken: boolean
  private isOver: boolean
  private endListener: ((error: RpcError | undefined) => void) | undefined

  /** What arrives from `remote`. */
  constructor(remote: string, owner: InboundOwner) {
    this.frames = new Observable(subscriber => this.take(subscriber))
    this.failure = undefined
    this.remote = remote
    this.owner = owner
    this.subscriber = undefined
    this.isTaken = false
    this.isOver = false
    this.endListener = undefined
  }

  /** A frame has arrived. */
  next(frame: Frame): void {
    this.subscriber?.next(frame)
  }

  /** Nothing more is taken; the subscriber learns why, and may still send. */
  refuse(failure: RpcError): void {
    this.failure = failure
    this.subscriber?.error(failure)
  }

  /** Everything is over. The first reason counts. Called once. */
  end(error: RpcError | undefined): void {
    this.isOver = true
    this.failure ??= error
    if (this.subscriber !== undefined) finish(this.subscriber, this.failure)
    this.endListener?.(this.failure)
    this.endListener = undefined
  }

  /** Calls `listener` when everything is over. One listener. */
  onEnd(listener: (error: RpcError | undefined) => void): void {
    if (this.isOver) listener(this.failure)
    else this.endListener = listener
  }

  private take(subscriber: Subscriber<Frame>): void {
    if (this.isTaken) return subscriber.error(inboundTaken(this.remote))
    this.isTaken = true
    if (this.isOver) return finish(subscriber, this.failure)
    this.subscriber = subscriber
    subscriber.add(() => {
      this.subscriber = undefined
      this.owner.released()
    })
    this.owner.taken()
  }
}

function finish(subscriber: Subscriber<Frame>, error: RpcError | undefined): void {
  if (error === undefined) subscriber.complete()
  else subscriber.error(error)
}
