import { emptyHeader, RpcError, type Header } from '../../core/index.js'
import type { Route } from '../peer.js'
import { ByteReader, invalidMetadata } from './byte-reader.js'
import { ByteWriter } from './byte-writer.js'
import { authenticationOf, readAuthorization } from './composite/authentication.js'
import { readEntries, writeEntry } from './composite/entries.js'
import { COMPOSITE_METADATA, MimeId, mimeTypeOf } from './composite/mime-types.js'
import { readRoute, routeTag } from './composite/routing.js'
import { readAcceptTypes, readStreamType } from './composite/stream-types.js'
import type { ConnectionMetadata, ItemMetadata, MetadataDialect, RequestMetadata } from './metadata-dialect.js'

/** MIME type of the entry that says what no extension of RSocket has a place for, docs/wire.md. */
export const CALL_ENTRY = 'application/vnd.millrace.call.v1'

/**
 * The metadata that Spring and other implementations of RSocket speak: composite metadata with routing, authentication,
 * and MIME types of single requests. The endpoint `count` of the contract `words` has the route `words.count`; the header
 * `authorization` travels as authentication; deadlines and other headers in an entry that only millrace reads.
 */
export function compositeMetadata(): MetadataDialect {
  return COMPOSITE
}

const COMPOSITE: MetadataDialect = Object.freeze({ mimeType: COMPOSITE_METADATA, open: () => new CompositeMetadata() })

/** Routes that are remembered for a connection, either way. */
const MAX_REMEMBERED = 1024

const ROUTING = mimeTypeOf(MimeId.ROUTING) as string
const AUTHENTICATION = mimeTypeOf(MimeId.AUTHENTICATION) as string
const MIME_TYPE = mimeTypeOf(MimeId.MIME_TYPE) as string
const ACCEPT_MIME_TYPES = mimeTypeOf(MimeId.ACCEPT_MIME_TYPES) as string

const Bit = {
  DEADLINE: 0x02,
  HEADER: 0x04,
  NO_BODY: 0x08,
  ONE_REPLY: 0x10,
} as const

class CompositeMetadata implements ConnectionMetadata {
  readonly foreign: boolean
  private readonly written: Map<Route, Uint8Array>
  private readonly known: Map<string, Route>

  constructor() {
    this.foreign = true
    this.written = new Map()
    this.known = new Map()
  }

  writeRequest(
    route: Route,
    remainingMs: number | undefined,
    header: Header,
    hasBody: boolean,
    oneReply: boolean,
  ): Uint8Array {
    const routing = this.routing(route)
    if (remainingMs === undefined && header === emptyHeader && hasBody && !oneReply) return routing
    const writer = new ByteWriter()
    writer.raw(routing)
    const rest = writeAuthorization(writer, header)
    const bits = (hasBody ? 0 : Bit.NO_BODY) | (oneReply ? Bit.ONE_REPLY : 0)
    writeCall(writer, bits, remainingMs, rest)
    return writer.bytes()
  }

  unread(): void {
    // Every request spells its route out.
  }

  readRequest(bytes: Uint8Array, start: number, end: number): RequestMetadata {
    const entries = new RequestEntries()
    readEntries(bytes, start, end, (mimeType, source, from, to) => entries.take(mimeType, source, from, to))
    const { route, header, hasBody, remainingMs, oneReply, dataType, acceptTypes } = entries
    if (route === undefined) {
      throw new RpcError('UNIMPLEMENTED', 'the request names no route', { reason: 'unknown_route' })
    }
    return { route: this.routeOf(route), header, hasBody, remainingMs, oneReply, dataType, acceptTypes }
  }

  writeItem(header: Header, hasBody: boolean): Uint8Array | undefined {
    if (header === emptyHeader) return undefined
    const writer = new ByteWriter()
    writeCall(writer, hasBody ? 0 : Bit.NO_BODY, undefined, header)
    return writer.bytes()
  }

  readItem(bytes: Uint8Array, start: number, end: number): ItemMetadata {
    const entries = new RequestEntries()
    readEntries(bytes, start, end, (mimeType, source, from, to) => {
      if (mimeType === CALL_ENTRY) entries.take(mimeType, source, from, to)
    })
    return { header: entries.header, hasBody: entries.hasBody }
  }

  writeHeader(header: Header): Uint8Array {
    const writer = new ByteWriter()
    writeCall(writer, 0, undefined, writeAuthorization(writer, header))
    return writer.bytes()
  }

  readHeader(bytes: Uint8Array, start: number, end: number): Header {
    const entries = new RequestEntries()
    readEntries(bytes, start, end, (mimeType, source, from, to) => {
      if (mimeType === CALL_ENTRY || mimeType === AUTHENTICATION) entries.take(mimeType, source, from, to)
    })
    return entries.header
  }

  private routing(route: Route): Uint8Array {
    const known = this.written.get(route)
    if (known !== undefined) return known
    const writer = new ByteWriter()
    writeEntry(writer, ROUTING, routeTag(`${route.contract}.${route.endpoint}`))
    if (this.written.size < MAX_REMEMBERED) this.written.set(route, writer.bytes())
    return writer.bytes()
  }

  private routeOf(text: string): Route {
    const known = this.known.get(text)
    if (known !== undefined) return known
    const dot = text.lastIndexOf('.')
    const route: Route = { contract: text.slice(0, Math.max(0, dot)), version: '', endpoint: text.slice(dot + 1) }
    if (this.known.size < MAX_REMEMBERED) this.known.set(text, route)
    return route
  }
}

/** What the entries of a request say, as far as they are understood. */
class RequestEntries {
  route: string | undefined
  header: Header
  hasBody: boolean
  remainingMs: number | undefined
  oneReply: boolean | undefined
  dataType: string | undefined
  acceptTypes: readonly string[]
  private authorized: boolean
  private called: boolean

  constructor() {
    this.route = undefined
    this.header = emptyHeader
    this.hasBody = true
    this.remainingMs = undefined
    this.oneReply = undefined
    this.dataType = undefined
    this.acceptTypes = []
    this.authorized = false
    this.called = false
  }

  take(mimeType: string, bytes: Uint8Array, start: number, end: number): void {
    switch (mimeType) {
      case ROUTING:
        this.route ??= readRoute(bytes, start, end)
        return
      case AUTHENTICATION:
        if (this.authorized) throw twice(AUTHENTICATION)
        this.authorized = true
        this.authorize(readAuthorization(bytes, start, end))
        return
      case MIME_TYPE:
        this.dataType = readStreamType(bytes, start, end)
        return
      case ACCEPT_MIME_TYPES:
        this.acceptTypes = readAcceptTypes(bytes, start, end)
        return
      case CALL_ENTRY:
        if (this.called) throw twice(CALL_ENTRY)
        this.called = true
        this.call(new ByteReader(bytes, start, end))
        return
      default: // for somebody else
    }
  }

  private call(reader: ByteReader): void {
    const bits = reader.byte()
    this.hasBody = (bits & Bit.NO_BODY) === 0
    this.oneReply = (bits & Bit.ONE_REPLY) !== 0
    if ((bits & Bit.DEADLINE) !== 0) this.remainingMs = reader.varint()
    if ((bits & Bit.HEADER) !== 0) this.header = joined(reader.header(), this.header)
    reader.end()
  }

  private authorize(authorization: string | undefined): void {
    if (authorization !== undefined) this.header = joined(this.header, { authorization })
  }
}

/** Of two, whoever is before us may have looked at the other; and together they would exceed the limits of a header. */
function twice(mimeType: string): RpcError {
  return invalidMetadata(`two entries of ${mimeType}`)
}

function joined(first: Header, second: Header): Header {
  return Object.assign(Object.create(null), first, second) as Header
}

/** Writes `authorization` as authentication. Gives what is left of the header. */
function writeAuthorization(writer: ByteWriter, header: Header): Header {
  const { authorization, ...rest } = header
  const content = authorization === undefined ? undefined : authenticationOf(authorization)
  if (content === undefined) return header
  writeEntry(writer, AUTHENTICATION, content)
  return Object.keys(rest).length === 0 ? emptyHeader : rest
}

/** Writes the entry that only millrace reads, unless it would say nothing. */
function writeCall(writer: ByteWriter, bits: number, remainingMs: number | undefined, header: Header): void {
  const hasHeader = Object.keys(header).length > 0
  if (bits === 0 && remainingMs === undefined && !hasHeader) return
  const call = new ByteWriter()
  call.byte(bits | (remainingMs === undefined ? 0 : Bit.DEADLINE) | (hasHeader ? Bit.HEADER : 0))
  if (remainingMs !== undefined) call.varint(Math.min(Math.max(0, Math.ceil(remainingMs)), 0xffff_ffff))
  if (hasHeader) call.header(header)
  writeEntry(writer, CALL_ENTRY, call.bytes())
}
