import type { Frame, Listener, Socket, Transport } from 'millrace/transport'
import { firstValueFrom, Subscription, type Observable } from 'rxjs'
import { eventually, within } from '../support/deadline.js'

/** How a subscription ended: `open` when it has not, `completed`, or the error it failed with. */
export type Ending = unknown

/** What has come out of a socket's `inbound`: a copy of each frame, and how it ended. */
export class Inbox {
  readonly frames: Uint8Array[] = []
  readonly subscription: Subscription
  ending: Ending = 'open'
  private readonly patienceMs: number

  constructor(socket: Socket, patienceMs: number, onFrame: (frame: Frame, index: number) => void = () => {}) {
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

  /** The frames as the numbers that {@link sendNumber} wrote. */
  get numbers(): number[] {
    return this.frames.map(frame => new DataView(frame.buffer, frame.byteOffset).getUint32(0))
  }

  /** Waits for `count` frames. */
  async received(count: number): Promise<void> {
    await eventually(() => this.frames.length >= count, this.patienceMs, `frame ${count}`)
  }

  /** Waits for the end and gives it. */
  async ended(): Promise<Ending> {
    await eventually(() => this.ending !== 'open', this.patienceMs, 'the end of inbound')
    return this.ending
  }
}

/** Subscribes to a socket's frames; `onFrame` sees each one as it is delivered. */
export function receive(socket: Socket, patienceMs: number, onFrame?: (frame: Frame, index: number) => void): Inbox {
  return new Inbox(socket, patienceMs, onFrame)
}

/** One connection with both its ends. */
export interface Connection {
  readonly listener: Listener
  readonly client: Socket
  readonly server: Socket
  /** Holds the listener. */
  readonly listening: Subscription
  /** Holds the client's end. */
  readonly dialing: Subscription
  /** How the dial ended. */
  dialEnding: Ending
}

/** Listens at `address` and gives the listener with the subscription that holds it. */
export async function listenAt(
  transport: Transport,
  address: string,
  patienceMs: number,
): Promise<{ listener: Listener; listening: Subscription }> {
  const listening = new Subscription()
  const opened = new Promise<Listener>((resolve, reject) => {
    listening.add(transport.listen(address).subscribe({ next: resolve, error: reject }))
  })
  return { listener: await within(opened, patienceMs, `a listener at ${address}`), listening }
}

/** Opens a connection at an address that the transport chooses. */
export async function connect(transport: Transport, address: string, patienceMs: number): Promise<Connection> {
  const { listener, listening } = await listenAt(transport, address, patienceMs)
  const accepted = firstValueFrom(listener.sockets)
  accepted.catch(() => {}) // the dial's own failure is the one to report
  const dialing = new Subscription()
  const ends: { dialEnding: Ending } = { dialEnding: 'open' }
  const opened = new Promise<Socket>((resolve, reject) => {
    dialing.add(
      transport.dial(listener.address).subscribe({
        next: resolve,
        complete: () => (ends.dialEnding = 'completed'),
        error: error => {
          ends.dialEnding = error
          reject(error as Error)
        },
      }),
    )
  })
  const client = await within(opened, patienceMs, 'the dialled socket')
  const server = await within(accepted, patienceMs, 'the accepted socket')
  return Object.assign(ends, { listener, client, server, listening, dialing })
}

/** Sends a frame with these bytes. */
export function sendBytes(socket: Socket, bytes: Uint8Array): boolean {
  return socket.send(bytes.length, (target, offset) => target.set(bytes, offset))
}

/** Sends a frame of `length` bytes that begins with `value` as four bytes. */
export function sendNumber(socket: Socket, value: number, length = 4): boolean {
  return socket.send(length, (target, offset) => {
    target.fill(value & 0xff, offset, offset + length)
    new DataView(target.buffer, target.byteOffset + offset).setUint32(0, value)
  })
}

/** `length` bytes that differ from place to place. */
export function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >>> 8)) & 0xff)
}

/** 0, 1, 2 … `count - 1`. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

/** Waits for the failure of an Observable and gives it. */
export function failureOf(source: Observable<unknown>, patienceMs: number): Promise<unknown> {
  const failed = new Promise<unknown>((resolve, reject) => {
    source.subscribe({
      next: () => reject(new Error('emitted instead of failing')),
      error: resolve,
      complete: () => reject(new Error('completed instead of failing')),
    })
  })
  return within(failed, patienceMs, 'the failure')
}
