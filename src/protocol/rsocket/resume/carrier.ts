import { Subscription, type TeardownLogic } from 'rxjs'
import { RpcError } from '../../../core/index.js'
import type { Frame, FrameWriter, PeerCertificate, Socket } from '../../../transport/index.js'
import type { SendFrame } from './retained-frames.js'

/** Who hears of a {@link Carrier}. */
export interface CarrierOwner {
  /** A frame has arrived. */
  onFrame(frame: Frame): void
  /** What waited has been sent. */
  onWritable(): void
  /** It has ended; `error` is absent when the peer closed it. */
  onLost(error: RpcError | undefined): void
}

/** A network connection, which may pass from one owner to another with the next frame. */
export class Carrier {
  /** Who hears of it from now on. */
  owner: CarrierOwner
  /** {@link Socket.peerCertificate}. */
  readonly peerCertificate: PeerCertificate | undefined
  /** {@link Socket.send}. */
  readonly send: SendFrame
  private readonly socket: Socket
  private readonly subscription: Subscription

  constructor(socket: Socket, owner: CarrierOwner) {
    this.owner = owner
    this.peerCertificate = socket.peerCertificate
    this.send = (length, write) => socket.send(length, write)
    this.socket = socket
    this.subscription = new Subscription()
  }

  /** Begins to read. */
  start(): void {
    this.subscription.add(this.socket.writable.subscribe(() => this.owner.onWritable()))
    this.subscription.add(
      this.socket.inbound.subscribe({
        next: frame => this.owner.onFrame(frame),
        error: (error: unknown) => this.owner.onLost(RpcError.from(error, 'UNAVAILABLE')),
        complete: () => this.owner.onLost(undefined),
      }),
    )
  }

  /** Sends a frame that is made already. */
  sendFrame(frame: Uint8Array): void {
    const write: FrameWriter = (target, offset) => target.set(frame, offset)
    this.send(frame.length, write)
  }

  /** Ends `teardown` with it when it is aborted. */
  add(teardown: TeardownLogic): void {
    this.subscription.add(teardown)
  }

  /** Closes it in order. */
  close(): void {
    this.socket.close()
  }

  /** Closes it in order; nobody hears of it any more. */
  dismiss(): void {
    this.owner = NOBODY
    this.socket.close()
  }

  /** Ends it at once; nobody hears of it any more. */
  abort(): void {
    this.owner = NOBODY
    this.subscription.unsubscribe()
  }
}

const NOBODY: CarrierOwner = { onFrame() {}, onWritable() {}, onLost() {} }
