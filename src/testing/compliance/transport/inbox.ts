import { Subscription } from 'rxjs'
import type { Frame, Socket } from '../../../transport/index.js'
import { eventually } from '../waiting.js'

/** How a subscription ended: `open` when it has not, `completed`, or the error it failed with. */
export type Ending = unknown

/** What has come out of a socket's `inbound`. */
export interface Inbox {
  /** A copy of each frame. */
  readonly frames: readonly Uint8Array[]
  /** The frames as the numbers that `sendNumber` wrote. */
  readonly numbers: readonly number[]
  /** How it ended. */
  readonly ending: Ending
  /** Unsubscribing ends the connection abruptly. */
  readonly subscription: Subscription
  /** Waits for `count` frames. */
  received(count: number): Promise<void>
  /** Waits for the end and gives it. */
  ended(): Promise<Ending>
}

/** Sees a frame as it is delivered. */
type FrameListener = (frame: Frame, index: number) => void

/** Subscribes to a socket's frames; `onFrame` sees each one as it is delivered. */
export function receive(socket: Socket, patienceMs: number, onFrame: FrameListener = () => {}): Inbox {
  return new SocketInbox(socket, patienceMs, onFrame)
}

class SocketInbox implements Inbox {
  readonly frames: Uint8Array[]
  readonly subscription: Subscription
  ending: Ending
  private readonly patienceMs: number

  constructor(socket: Socket, patienceMs: number, onFrame: FrameListener) {
    this.frames = []
    this.ending = 'open'
    this.patienceMs = patienceMs
    this.subscription = new Subscription()
    this.subscription.add(
      socket.inbound.subscribe({
        next: frame => {
          this.frames.push(frame.bytes.slice(frame.start, frame.end))
          onFrame(frame, this.frames.length - 1)
        },
        complete: () => (this.ending = 'completed'),
        error: error => (this.ending = error),
      }),
    )
  }

  get numbers(): readonly number[] {
    return this.frames.map(frame => new DataView(frame.buffer, frame.byteOffset).getUint32(0))
  }

  async received(count: number): Promise<void> {
    await eventually(() => this.frames.length >= count, this.patienceMs, `frame ${count}`)
  }

  async ended(): Promise<Ending> {
    await eventually(() => this.ending !== 'open', this.patienceMs, 'the end of inbound')
    return this.ending
  }
}
