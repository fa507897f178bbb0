import { connect, type Socket } from 'node:net'
import { eventually } from '../support/deadline.js'
import { frameBytes, lineOf, type FrameParts } from '../support/raw-frame.js'
import { setupFrame, type SetupParts } from '../support/raw-peer.js'
import { prefixed, readFrames } from '../support/raw-stream.js'

const PATIENCE_MS = 10_000

/** A client that writes bytes by hand over TCP. */
export class RawClient {
  /** The frames that have come back. */
  readonly received: Uint8Array[]
  readonly socket: Socket

  constructor(address: string) {
    this.received = []
    this.socket = connect({ host: '127.0.0.1', port: Number(address.split(':')[1]), noDelay: true })
    this.socket.on('error', () => {})
    readFrames(this.socket, frame => this.received.push(Uint8Array.from(frame)))
  }

  /** What has come back, as lines of text. */
  get lines(): string[] {
    return this.received.map(lineOf)
  }

  /** Sends SETUP. */
  setup(parts: SetupParts = {}): void {
    this.socket.write(prefixed(setupFrame(parts)))
  }

  /** Sends a frame. */
  send(frame: FrameParts): void {
    this.socket.write(prefixed(frameBytes(frame)))
  }

  /** Waits for so many frames. */
  async hears(count: number): Promise<void> {
    await eventually(() => this.received.length >= count, PATIENCE_MS, `frame ${count} of the server`)
  }

  /** Waits until the server has closed. */
  async ended(): Promise<void> {
    await eventually(() => this.socket.readableEnded || this.socket.destroyed, PATIENCE_MS, 'the end of a connection')
  }

  /** Cuts the connection. */
  cut(): void {
    this.socket.destroy()
  }
}
