import { emptyHeader, type Header, MAX_HEADER_BYTES, MAX_HEADER_ENTRIES, RpcError } from '../../core/index.js'
import type { Route } from '../peer.js'

/** MIME type of millrace's compact metadata, docs/wire.md. */
export const COMPACT_METADATA = 'application/vnd.millrace.metadata.v1'

/** Most routes a peer may intern on one connection; later ones are spelled out in every request. */
export const MAX_ROUTES = 1024
/** Most bytes of a contract's name, a version, or an endpoint's name. */
export const MAX_ROUTE_NAME_BYTES = 255

const Bit = {
  /** The route is spelled out, and interned under its id unless that is 0. */
  ROUTE: 0x01,
  /** The remaining time follows. */
  DEADLINE: 0x02,
  /** A header follows. */
  HEADER: 0x04,
  /** There is no body; data is empty. */
  NO_BODY: 0x08,
  /** On REQUEST_CHANNEL: there will be exactly one reply. */
  ONE_REPLY: 0x10,
} as const

/** What the metadata of a request says. */
export interface RequestMetadata {
  /** Which endpoint; the same object for every request to it on a connection. */
  readonly route: Route
  /** Time left, ms; `undefined` when there is no limit. */
  readonly remainingMs: number | undefined
  /** Names and values beside the request. */
  readonly header: Header
  /** Whether the frame carries a request, even an empty one. */
  readonly hasBody: boolean
  /** On a channel: whether exactly one reply is due. */
  readonly oneReply: boolean
}

const utf8 = new TextEncoder()
const fromUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }) // a mark is part of the value

/** Interns the routes of the requests that we send on one connection. */
export class RouteWriter {
  private readonly interned: Map<Route, InternedRoute>

  constructor() {
    this.interned = new Map()
  }

  /** The metadata of a request. The usual one, to a known route and nothing else, is made once and used again. */
  request(
    route: Route,
    remainingMs: number | undefined,
    header: Header,
    hasBody: boolean,
    oneReply: boolean,
  ): Uint8Array {
    const known = this.interned.get(route)
    if (known !== undefined && remainingMs === undefined && header === emptyHeader) {
      return hasBody ? known.withBody : oneReply ? known.oneReply : known.withoutBody
    }
    const id = known?.id ?? this.intern(route)
    const writer = new ByteWriter()
    writer.byte(
      (known === undefined ? Bit.ROUTE : 0) |
        (remainingMs === undefined ? 0 : Bit.DEADLINE) |
        (header === emptyHeader ? 0 : Bit.HEADER) |
        (hasBody ? 0 : Bit.NO_BODY) |
        (oneReply ? Bit.ONE_REPLY : 0),
    )
    writer.varint(id)
    if (known === undefined) {
      writer.text(route.contract)
      writer.text(route.version)
      writer.text(route.endpoint)
    }
    if (remainingMs !== undefined) writer.varint(Math.min(Math.max(0, Math.ceil(remainingMs)), 0xffff_ffff))
    if (header !== emptyHeader) writer.header(header)
    return writer.bytes()
  }

  /** The request was not sent after all: if it was the one to spell the route out, the next one has to. */
  unsent(route: Route): void {
    if (this.interned.get(route)?.id === this.interned.size) this.interned.delete(route)
  }

  private intern(route: Route): number {
    if (this.interned.size >= MAX_ROUTES) return 0
    const id = this.interned.size + 1
    this.interned.set(route, {
      id,
      withBody: idMetadata(0, id),
      withoutBody: idMetadata(Bit.NO_BODY, id),
      oneReply: idMetadata(Bit.NO_BODY | Bit.ONE_REPLY, id),
    })
    return id
  }
}

interface InternedRoute {
  readonly id: number
  readonly withBody: Uint8Array
  readonly withoutBody: Uint8Array
  readonly oneReply: Uint8Array
}

function idMetadata(bits: number, id: number): Uint8Array {
  const writer = new ByteWriter()
  writer.byte(bits)
  writer.varint(id)
  return writer.bytes()
}

/** Reads the metadata of the requests that we receive on one connection. */
export class RouteReader {
  private readonly routes: (Route | undefined)[]

  constructor() {
    this.routes = []
  }

  /**
   * Reads `bytes[start, end)`. Throws INVALID_ARGUMENT (reason `invalid_metadata`) when they are no metadata, and
   * UNIMPLEMENTED (reason `unknown_route`) for a route that was never spelled out.
   */
  request(bytes: Uint8Array, start: number, end: number): RequestMetadata {
    const reader = new ByteReader(bytes, start, end)
    const bits = reader.byte()
    const id = reader.varint()
    const route = (bits & Bit.ROUTE) === 0 ? this.known(id) : this.define(id, reader)
    const remainingMs = (bits & Bit.DEADLINE) === 0 ? undefined : reader.varint()
    const header = (bits & Bit.HEADER) === 0 ? emptyHeader : reader.header()
    reader.end()
    return {
      route,
      remainingMs,
      header,
      hasBody: (bits & Bit.NO_BODY) === 0,
      oneReply: (bits & Bit.ONE_REPLY) !== 0,
    }
  }

  private known(id: number): Route {
    const route = this.routes[id]
    if (route !== undefined) return route
    throw new RpcError('UNIMPLEMENTED', `route ${id} was never spelled out on this connection`, {
      reason: 'unknown_route',
    })
  }

  private define(id: number, reader: ByteReader): Route {
    const route: Route = {
      contract: reader.text(MAX_ROUTE_NAME_BYTES),
      version: reader.text(MAX_ROUTE_NAME_BYTES),
      endpoint: reader.text(MAX_ROUTE_NAME_BYTES),
    }
    if (id === 0) return route
    if (id > MAX_ROUTES) throw invalid(`route id ${id}, at most ${MAX_ROUTES}`)
    const known = this.routes[id]
    if (known !== undefined && sameRoute(known, route)) return known
    return (this.routes[id] = route)
  }
}

function sameRoute(a: Route, b: Route): boolean {
  return a.contract === b.contract && a.version === b.version && a.endpoint === b.endpoint
}

/** The metadata of an item with a header or without a body; `undefined` for the usual item, which has none. */
export function itemMetadata(header: Header, hasBody: boolean): Uint8Array | undefined {
  if (header === emptyHeader && hasBody) return undefined
  const writer = new ByteWriter()
  writer.byte((header === emptyHeader ? 0 : Bit.HEADER) | (hasBody ? 0 : Bit.NO_BODY))
  if (header !== emptyHeader) writer.header(header)
  return writer.bytes()
}

/** Reads the metadata of an item; throws as {@link RouteReader.request} does. */
export function readItemMetadata(bytes: Uint8Array, start: number, end: number): { header: Header; hasBody: boolean } {
  const reader = new ByteReader(bytes, start, end)
  const bits = reader.byte()
  const header = (bits & Bit.HEADER) === 0 ? emptyHeader : reader.header()
  reader.end()
  return { header, hasBody: (bits & Bit.NO_BODY) === 0 }
}

/** A header alone, as SETUP carries the attributes of the client. */
export function headerBytes(header: Header): Uint8Array {
  const writer = new ByteWriter()
  writer.header(header)
  return writer.bytes()
}

/** Reads what {@link headerBytes} wrote; throws as {@link RouteReader.request} does. */
export function readHeaderBytes(bytes: Uint8Array, start: number, end: number): Header {
  const reader = new ByteReader(bytes, start, end)
  const header = reader.header()
  reader.end()
  return header
}

class ByteWriter {
  private target: Uint8Array
  private at: number

  constructor() {
    this.target = new Uint8Array(64)
    this.at = 0
  }

  byte(value: number): void {
    this.room(1)
    this.target[this.at++] = value
  }

  /** LEB128: seven bits a byte, low bits first, the top bit set on all but the last. */
  varint(value: number): void {
    let rest = value
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80)
      rest = Math.floor(rest / 128)
    }
    this.byte(rest)
  }

  text(value: string): void {
    const bytes = utf8.encode(value)
    this.varint(bytes.length)
    this.room(bytes.length)
    this.target.set(bytes, this.at)
    this.at += bytes.length
  }

  header(header: Header): void {
    const names = Object.keys(header)
    this.varint(names.length)
    for (const name of names) {
      this.text(name)
      this.text(header[name] as string)
    }
  }

  bytes(): Uint8Array {
    return this.target.subarray(0, this.at)
  }

  private room(bytes: number): void {
    if (this.at + bytes <= this.target.length) return
    const target = new Uint8Array(Math.max(this.target.length * 2, this.at + bytes))
    target.set(this.target)
    this.target = target
  }
}

class ByteReader {
  private readonly bytes: Uint8Array
  private readonly limit: number
  private at: number

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes
    this.limit = end
    this.at = start
  }

  byte(): number {
    if (this.at >= this.limit) throw invalid('it ends early')
    return this.bytes[this.at++] as number
  }

  varint(): number {
    let value = 0
    let scale = 1
    for (let count = 0; count < 5; count++) {
      const byte = this.byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 128
    }
    throw invalid('a number longer than 5 bytes')
  }

  text(maxBytes: number): string {
    const length = this.varint()
    if (length > maxBytes) throw invalid(`a text of ${length} bytes, at most ${maxBytes}`)
    const end = this.at + length
    if (end > this.limit) throw invalid('it ends early')
    try {
      const text = fromUtf8.decode(this.bytes.subarray(this.at, end))
      this.at = end
      return text
    } catch {
      throw invalid('a text that is not UTF-8')
    }
  }

  header(): Header {
    const start = this.at
    const count = this.varint()
    if (count > MAX_HEADER_ENTRIES) throw invalid(`a header of ${count} entries, at most ${MAX_HEADER_ENTRIES}`)
    const header: Record<string, string> = Object.create(null)
    for (let entry = 0; entry < count; entry++) header[this.text(MAX_HEADER_BYTES)] = this.text(MAX_HEADER_BYTES)
    const bytes = this.at - start
    if (bytes > MAX_HEADER_BYTES) throw invalid(`a header of ${bytes} bytes, at most ${MAX_HEADER_BYTES}`)
    return header
  }

  end(): void {
    if (this.at !== this.limit) throw invalid(`${this.limit - this.at} bytes too many`)
  }
}

function invalid(what: string): RpcError {
  return new RpcError('INVALID_ARGUMENT', `metadata: ${what}`, { reason: 'invalid_metadata' })
}
