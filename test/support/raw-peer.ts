import type { Socket } from 'millrace/transport'
import { Subscription } from 'rxjs'
import { frameBytes, joined, lineOf, u24, u32, type FrameParts, type TypeName } from './raw-frame.js'

/** MIME types that both sides of the tests speak. */
export const METADATA_TYPE = 'application/vnd.millrace.metadata.v1'
export const DATA_TYPE = 'application/json'

const utf8 = new TextEncoder()

/** One end of a connection that speaks frames by hand. */
export class RawPeer {
  /** The frames that have arrived. */
  readonly received: Uint8Array[]
  /** How the connection ended: `open` when it has not, `closed`, or the code of the error. */
  ending: string
  private readonly socket: Socket
  private readonly subscription: Subscription

  /** A peer that reads at once, or when it is told to. */
  constructor(socket: Socket, reads = true) {
    this.received = []
    this.ending = 'open'
    this.socket = socket
    this.subscription = new Subscription()
    if (reads) this.read()
  }

  /** Begins to read, if it was to wait. */
  read(): void {
    this.subscription.add(
      this.socket.inbound.subscribe({
        next: ({ bytes, start, end }) => this.received.push(new Uint8Array(bytes.subarray(start, end))),
        error: (error: { readonly code: string }) => (this.ending = error.code),
        complete: () => (this.ending = 'closed'),
      }),
    )
  }

  /** The frames that have arrived since the last time, as lines of text. */
  lines(): string[] {
    return this.received.splice(0).map(lineOf)
  }

  /** Sends a frame. */
  send(frame: FrameParts | Uint8Array): void {
    const bytes = frame instanceof Uint8Array ? frame : frameBytes(frame)
    this.socket.send(bytes.length, (target, offset) => target.set(bytes, offset))
  }

  /** Sends the frame that a client begins with. */
  setup(parts: SetupParts = {}): void {
    this.send(setupFrame(parts))
  }

  /** Sends a request that spells its route out. */
  request(
    type: TypeName,
    id: number,
    endpoint: string,
    { n, body, flags = '', oneReply = false }: RequestParts = {},
  ): void {
    this.send({
      type,
      id,
      flags,
      ...(n !== undefined && { word: n }),
      metadata: routeMetadata(endpoint, (body === undefined ? NO_BODY : 0) | (oneReply ? ONE_REPLY : 0)),
      ...(body !== undefined && { data: JSON.stringify(body) }),
    })
  }

  /** Sends an item. */
  item(id: number, body: unknown, flags = 'N'): void {
    this.send({ type: 'PAYLOAD', id, flags, data: JSON.stringify(body) })
  }

  /** Closes. */
  close(): void {
    this.socket.close()
  }

  /** Ends the connection without sending what waits. */
  abort(): void {
    this.subscription.unsubscribe()
  }
}

/** What {@link RawPeer.request} may be told beside type, id and endpoint. */
export interface RequestParts {
  /** Initial request-n of streams and channels. */
  readonly n?: number
  /** The request, if there is one. */
  readonly body?: unknown
  readonly flags?: string
  /** Whether a channel is to have exactly one reply. */
  readonly oneReply?: boolean
}

/** What a SETUP frame says. */
export interface SetupParts {
  readonly id?: number
  readonly flags?: string
  readonly version?: number
  readonly keepAliveMs?: number
  readonly maxLifetimeMs?: number
  readonly metadataType?: string
  readonly dataType?: string
  /** Put before the MIME types, as resumption has it. */
  readonly token?: string
  readonly metadata?: Uint8Array
  /** Bytes that are cut off at the end. */
  readonly cut?: number
}

/** The bytes of a SETUP frame. */
export function setupFrame(parts: SetupParts = {}): Uint8Array {
  const { id = 0, flags = '', version = 0x1_0000, keepAliveMs = 10_000, maxLifetimeMs = 30_000, cut = 0 } = parts
  const { metadataType = METADATA_TYPE, dataType = DATA_TYPE, token, metadata } = parts
  const body = joined(
    u32(version),
    u32(keepAliveMs),
    u32(maxLifetimeMs),
    token === undefined ? [] : [0, token.length, ...utf8.encode(token)],
    text(metadataType),
    text(dataType),
    metadata === undefined ? [] : [...u24(metadata.length), ...metadata],
  )
  const frame = frameBytes({ type: 'SETUP', id, flags: flags + (metadata === undefined ? '' : 'M'), data: body })
  return frame.subarray(0, frame.length - cut)
}

const ROUTE = 0x01
const NO_BODY = 0x08
const ONE_REPLY = 0x10

/** Metadata of a request to an endpoint of the contract `test`: the route spelled out, under no id unless one is given. */
export function routeMetadata(endpoint: string, bits = 0, routeId = 0): Uint8Array {
  return joined([ROUTE | bits], [routeId], text('test'), text('1.0.0'), text(endpoint))
}

/** A length of one byte and the text. */
export function text(value: string): Uint8Array {
  const bytes = utf8.encode(value)
  return joined([bytes.length], bytes)
}
