import * as E from 'fp-ts/lib/Either.js'
import { deflateSync, inflateSync } from 'node:zlib'
import { isRecord, readEndpoints, readMetadata } from '../go-micro-endpoint.js'
import type { Endpoint, Metadata } from '../registry.js'

/** What the TXT record of a node says. */
export interface NodeText {
  /** Name of the service. */
  readonly service: string
  /** Its version. */
  readonly version: string
  /** Labels of the node. */
  readonly metadata: Metadata
  /** What the service answers. */
  readonly endpoints: readonly Endpoint[]
  /** Labels of the service. go-micro's record has no place for them: they are left out when there are none. */
  readonly serviceMetadata: Metadata
}

/** Most bytes a text may have when it is inflated; a longer one is a zip bomb or not ours. */
export const MAX_TEXT_BYTES = 65_536

const STRING_CHARS = 255

/** Writes a text as go-micro does: JSON, zlib, hex, in strings of 255 characters. */
export function encodeText(text: NodeText): Uint8Array[] {
  const { service, version, metadata, endpoints, serviceMetadata } = text
  const json = JSON.stringify({
    Service: service,
    Version: version,
    Endpoints: endpoints.length === 0 ? null : endpoints,
    Metadata: metadata,
    ...(Object.keys(serviceMetadata).length > 0 && { ServiceMetadata: serviceMetadata }),
  })
  const hex = deflateSync(json).toString('hex')
  const strings: Uint8Array[] = []
  for (let start = 0; start < hex.length; start += STRING_CHARS) {
    strings.push(Buffer.from(hex.slice(start, start + STRING_CHARS), 'latin1'))
  }
  return strings
}

/** The characters of a TXT record in one piece: what {@link decodeText} reads, and tells two texts apart. */
export function joinText(strings: readonly Uint8Array[]): string {
  return Buffer.concat(strings).toString('latin1')
}

/** Reads a text; left says what is wrong with it. Never inflates more than {@link MAX_TEXT_BYTES}. */
export function decodeText(hex: string): E.Either<string, NodeText> {
  if (hex === '' || hex.length % 2 !== 0 || !/^[0-9a-f]+$/i.test(hex)) return E.left('its text is not hex')
  try {
    const json = inflateSync(Buffer.from(hex, 'hex'), { maxOutputLength: MAX_TEXT_BYTES }).toString('utf8')
    return readText(JSON.parse(json))
  } catch (error) {
    return E.left(`its text cannot be read (${error instanceof Error ? error.message : String(error)})`)
  }
}

function readText(value: unknown): E.Either<string, NodeText> {
  if (!isRecord(value)) return E.left('its text is not an object')
  const { Service: service, Version: version, Metadata: labels, Endpoints: list, ServiceMetadata: more } = value
  if (typeof service !== 'string' || typeof version !== 'string' || version === '') {
    return E.left('its text lacks Service or Version')
  }
  const metadata = readMetadata(labels)
  const serviceMetadata = readMetadata(more)
  const endpoints = readEndpoints(list)
  if (metadata === undefined || serviceMetadata === undefined) return E.left('its labels are not strings')
  if (endpoints === undefined) return E.left('its endpoints cannot be read')
  return E.right({ service, version, metadata, endpoints, serviceMetadata })
}
