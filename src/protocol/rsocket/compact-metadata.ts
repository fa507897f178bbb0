import { emptyHeader, RpcError, type Header } from '../../core/index.js'
import type { Route } from '../peer.js'
import { ByteReader, invalidMetadata } from './byte-reader.js'
import { ByteWriter } from './byte-writer.js'
import type { ConnectionMetadata, ItemMetadata, MetadataDialect, RequestMetadata } from './metadata-dialect.js'

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

/**
 * Millrace's own metadata: usually two bytes a request, none an item. Routes are interned per connection (docs/wire.md).
 */
export function compactMetadata(): MetadataDialect {
  return COMPACT
}

const COMPACT: MetadataDialect = Object.freeze({ mimeType: COMPACT_METADATA, open: () => new CompactMetadata() })

class CompactMetadata implements ConnectionMetadata {
  readonly foreign: boolean
  /** Routes of our requests. */
  private readonly interned: Map<Route, InternedRoute>
  /** Routes of the peer's requests, by their ids. */
  private readonly peerRoutes: (Route | undefined)[]

  constructor() {
    this.foreign = false
    this.interned = new Map()
    this.peerRoutes = []
  }

  // The usual metadata, of a known route and nothing else, are made once and used again.
  writeRequest(
    route: Route,
    remainingMs: number | undefined,
    header: Header,
    hasBody: boolean,
    oneReply: boolean,
  ): Uint8Array {
    const known = this.interned.get(route)
    const told = known?.told === true
    if (known !== undefined && told && remainingMs === undefined && header === emptyHeader) {
      return hasBody ? known.withBody : oneReply ? known.oneReply : known.withoutBody
    }
    const id = known?.id ?? this.intern(route)
    const writer = new ByteWriter()
    writer.byte(
      (told ? 0 : Bit.ROUTE) |
        (remainingMs === undefined ? 0 : Bit.DEADLINE) |
        (header === emptyHeader ? 0 : Bit.HEADER) |
        (hasBody ? 0 : Bit.NO_BODY) |
        (oneReply ? Bit.ONE_REPLY : 0),
    )
    writer.varint(id)
    if (!told) {
      writer.text(route.contract)
      writer.text(route.version)
      writer.text(route.endpoint)
      if (known !== undefined) known.told = true
    }
    if (remainingMs !== undefined) writer.varint(Math.min(Math.max(0, Math.ceil(remainingMs)), 0xffff_ffff))
    if (header !== emptyHeader) writer.header(header)
    return writer.bytes()
  }

  unread(route: Route): void {
    const known = this.interned.get(route)
    if (known !== undefined) known.told = false
  }

  readRequest(bytes: Uint8Array, start: number, end: number): RequestMetadata {
    const reader = new ByteReader(bytes, start, end)
    const bits = reader.byte()
    const id = reader.varint()
    const route = (bits & Bit.ROUTE) === 0 ? this.knownRoute(id) : this.defineRoute(id, reader)
    const remainingMs = (bits & Bit.DEADLINE) === 0 ? undefined : reader.varint()
    const header = (bits & Bit.HEADER) === 0 ? emptyHeader : reader.header()
    reader.end()
    return {
      route,
      remainingMs,
      header,
      hasBody: (bits & Bit.NO_BODY) === 0,
      oneReply: (bits & Bit.ONE_REPLY) !== 0,
      dataType: undefined,
      acceptTypes: NO_TYPES,
    }
  }

  writeItem(header: Header, hasBody: boolean): Uint8Array | undefined {
    if (header === emptyHeader && hasBody) return undefined
    const writer = new ByteWriter()
    writer.byte((header === emptyHeader ? 0 : Bit.HEADER) | (hasBody ? 0 : Bit.NO_BODY))
    if (header !== emptyHeader) writer.header(header)
    return writer.bytes()
  }

  readItem(bytes: Uint8Array, start: number, end: number): ItemMetadata {
    if (start === end) return { header: emptyHeader, hasBody: true } // metadata that says nothing
    const reader = new ByteReader(bytes, start, end)
    const bits = reader.byte()
    const header = (bits & Bit.HEADER) === 0 ? emptyHeader : reader.header()
    reader.end()
    return { header, hasBody: (bits & Bit.NO_BODY) === 0 }
  }

  writeHeader(header: Header): Uint8Array {
    const writer = new ByteWriter()
    writer.header(header)
    return writer.bytes()
  }

  readHeader(bytes: Uint8Array, start: number, end: number): Header {
    const reader = new ByteReader(bytes, start, end)
    const header = reader.header()
    reader.end()
    return header
  }

  private intern(route: Route): number {
    if (this.interned.size >= MAX_ROUTES) return 0
    const id = this.interned.size + 1
    this.interned.set(route, {
      id,
      told: true,
      withBody: idMetadata(0, id),
      withoutBody: idMetadata(Bit.NO_BODY, id),
      oneReply: idMetadata(Bit.NO_BODY | Bit.ONE_REPLY, id),
    })
    return id
  }

  private knownRoute(id: number): Route {
    const route = this.peerRoutes[id]
    if (route !== undefined) return route
    throw new RpcError('UNIMPLEMENTED', `route ${id} was never spelled out on this connection`, {
      reason: 'unknown_route',
    })
  }

  private defineRoute(id: number, reader: ByteReader): Route {
    const route: Route = {
      contract: reader.text(MAX_ROUTE_NAME_BYTES),
      version: reader.text(MAX_ROUTE_NAME_BYTES),
      endpoint: reader.text(MAX_ROUTE_NAME_BYTES),
    }
    if (id === 0) return route
    if (id > MAX_ROUTES) throw invalidMetadata(`route id ${id}, at most ${MAX_ROUTES}`)
    const known = this.peerRoutes[id]
    if (known !== undefined && sameRoute(known, route)) return known
    return (this.peerRoutes[id] = route)
  }
}

const NO_TYPES: readonly string[] = []

interface InternedRoute {
  readonly id: number
  /** Whether the peer knows it by the time it reads the next request. */
  told: boolean
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

function sameRoute(a: Route, b: Route): boolean {
  return a.contract === b.contract && a.version === b.version && a.endpoint === b.endpoint
}
