import type { Header } from '../../core/index.js'
import type { Route } from '../peer.js'

/**
 * How metadata is written on a connection; a client chooses it with the metadata MIME type of SETUP, a server speaks
 * each that it knows.
 */
export interface MetadataDialect {
  /** MIME type that SETUP announces. */
  readonly mimeType: string
  /** The metadata of one connection, with whatever is remembered for it. */
  open(): ConnectionMetadata
}

/** Writes and reads the metadata of one connection. Reading throws INVALID_ARGUMENT (reason `invalid_metadata`). */
export interface ConnectionMetadata {
  /**
   * Whether peers are as other implementations are: the frame that opens a channel carries its first request, and empty
   * data may stand for no body.
   */
  readonly foreign: boolean
  /** The metadata of a request. */
  writeRequest(
    route: Route,
    remainingMs: number | undefined,
    header: Header,
    hasBody: boolean,
    oneReply: boolean,
  ): Uint8Array
  /**
   * The peer may not have read the metadata of the last request to `route` when it reads those of the next: it was not
   * sent, or leaves in fragments, which others overtake and which may never be put together.
   */
  unread(route: Route): void
  /** Reads `bytes[start, end)`. Throws UNIMPLEMENTED (reason `unknown_route`), too, when the route cannot be known. */
  readRequest(bytes: Uint8Array, start: number, end: number): RequestMetadata
  /** The metadata of an item; `undefined` for the usual item, which has none. */
  writeItem(header: Header, hasBody: boolean): Uint8Array | undefined
  /** Reads what {@link writeItem} wrote. */
  readItem(bytes: Uint8Array, start: number, end: number): ItemMetadata
  /** A header alone, as SETUP and METADATA_PUSH carry it. */
  writeHeader(header: Header): Uint8Array
  /** Reads what {@link writeHeader} wrote. */
  readHeader(bytes: Uint8Array, start: number, end: number): Header
}

/** What the metadata of an item says. */
export interface ItemMetadata {
  /** Names and values beside the item. */
  readonly header: Header
  /** Whether the frame carries a body, even an empty one. */
  readonly hasBody: boolean
}

/** What the metadata of a request says. */
export interface RequestMetadata extends ItemMetadata {
  /** Which endpoint; the same object for every request to it on a connection. */
  readonly route: Route
  /** Time left, ms; `undefined` when there is no limit. */
  readonly remainingMs: number | undefined
  /** On a channel: whether exactly one reply is due; `undefined` when the caller has not said so. */
  readonly oneReply: boolean | undefined
  /** MIME type of the request, unless it is that of the connection. */
  readonly dataType: string | undefined
  /** MIME types of replies that the caller takes, best first; none when it has not said so. */
  readonly acceptTypes: readonly string[]
}
