import { connect, type Socket } from 'node:net'
import { eventually, turn } from './deadline.js'
import { joined, u24 } from './raw-frame.js'

const PATIENCE_MS = 5000

/** How frames become bytes on a network. */
export interface Framing {
  /** The bytes that carry a frame. */
  wrap(frame: Uint8Array): Uint8Array
  /** The frames in `bytes`, as far as they have come. */
  unwrap(bytes: Uint8Array): Uint8Array[]
  /** What must be said and heard before the first frame, if anything. */
  readonly greeting?: { readonly say: string; readonly heard: RegExp }
}

/** TCP: three bytes of length, which do not count themselves. */
export const lengthPrefixed: Framing = {
  wrap: frame => joined(u24(frame.length), frame),
  unwrap: bytes => split(bytes, at => ({ start: at + 3, length: (byte(bytes, at) << 16) | u16(bytes, at + 1) })),
}

/** WebSocket: one binary message a frame; a client masks them, here with zeros. */
export const messageFramed: Framing = {
  wrap: frame => joined(messageHead(0x2, frame.length), frame),
  unwrap: bytes =>
    split(bytes, at => {
      const length = byte(bytes, at + 1) & 0x7f
      return length < 126 ? { start: at + 2, length } : { start: at + 4, length: u16(bytes, at + 2) }
    }),
  greeting: {
    say: [
      'GET / HTTP/1.1',
      'Host: localhost',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      '\r\n',
    ].join('\r\n'),
    heard: /^HTTP\/1\.1 101 [^]*?\r\n\r\n/,
  },
}

/** The head of a masked, final WebSocket frame; opcode 1 is text, 2 binary. */
export function messageHead(opcode: number, length: number): Uint8Array {
  const [small, ...rest] =
    length < 126
      ? [length]
      : length < 65_536
        ? [126, length >>> 8, length & 0xff]
        : [127, 0, 0, 0, 0, 0, ...u24(length)]
  return joined([0x80 | opcode, 0x80 | (small ?? 0), ...rest], [0, 0, 0, 0])
}

/** A client that writes bytes by hand. */
export class BytePeer {
  /** What came, without the greeting. */
  received: Uint8Array
  /** Whether the other side has closed. */
  closed: boolean
  private readonly socket: Socket
  private readonly framing: Framing

  private constructor(socket: Socket, framing: Framing) {
    this.received = new Uint8Array(0)
    this.closed = false
    this.socket = socket
    this.framing = framing
    socket.setNoDelay(true)
    socket.on('data', chunk => (this.received = Buffer.concat([this.received, chunk])))
    socket.on('close', () => (this.closed = true))
    socket.on('error', () => {}) // the close follows
  }

  /** Connects to `host:port`, however an address spells it, and greets. */
  static async connect(address: string, framing: Framing): Promise<BytePeer> {
    const port = Number(/:(\d+)/.exec(address.replace(/^\w+:\/\//, ''))?.[1])
    const peer = new BytePeer(connect({ host: '127.0.0.1', port }), framing)
    if (framing.greeting !== undefined) await peer.greet(framing.greeting)
    return peer
  }

  /** The frames that came. */
  get frames(): Uint8Array[] {
    return this.framing.unwrap(this.received)
  }

  /** Writes, and lets the system carry it. */
  async write(bytes: Uint8Array): Promise<void> {
    let gone = false
    this.socket.write(bytes, () => (gone = true))
    await eventually(() => gone || this.closed, PATIENCE_MS, 'the bytes gone')
    await turn()
  }

  /** Waits for `count` frames. */
  async heard(count: number): Promise<Uint8Array[]> {
    await eventually(() => this.frames.length >= count, PATIENCE_MS, `frame ${count}`)
    return this.frames
  }

  /** Waits until the other side has closed. */
  async end(): Promise<void> {
    await eventually(() => this.closed, PATIENCE_MS, 'the end')
  }

  /** Ends it. */
  destroy(): void {
    this.socket.destroy()
  }

  private async greet({ say, heard }: NonNullable<Framing['greeting']>): Promise<void> {
    const head = (): string => heard.exec(Buffer.from(this.received).toString('latin1'))?.[0] ?? ''
    this.socket.write(say)
    await eventually(() => head() !== '', PATIENCE_MS, 'the greeting')
    this.received = this.received.subarray(head().length)
  }
}

function split(bytes: Uint8Array, next: (at: number) => { start: number; length: number }): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let at = 0; at + 3 <= bytes.length;) {
    const { start, length } = next(at)
    if (start + length > bytes.length) break
    frames.push(new Uint8Array(bytes.subarray(start, start + length)))
    at = start + length
  }
  return frames
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0
}

function u16(bytes: Uint8Array, at: number): number {
  return (byte(bytes, at) << 8) | byte(bytes, at + 1)
}
