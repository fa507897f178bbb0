import * as E from 'fp-ts/lib/Either.js'
import { instanceFaults } from './checked.js'
import { isRecord, readEndpoints, readMetadata } from './go-micro-endpoint.js'
import type { Instance, Node } from './registry.js'

/** Most characters that a record may have; a longer one is not read. */
export const MAX_RECORD_CHARS = 1_048_576

/** Key of a node's record, as go-micro makes it: `<prefix>/<service>/<node>`, with `-` for each slash in a name. */
export function recordKey(prefix: string, service: string, node: string): string {
  return `${prefix}/${withoutSlash(service)}/${withoutSlash(node)}`
}

/** The record of an instance: go-micro's JSON of a service with one node. What is absent is `null` there. */
export function encodeRecord({ name, version, metadata, endpoints, node }: Instance): string {
  return JSON.stringify({
    name,
    version,
    metadata: orNull(metadata),
    endpoints: endpoints.length === 0 ? null : endpoints,
    nodes: [{ id: node.id, address: node.address, metadata: orNull(node.metadata) }],
  })
}

/**
 * Reads a record of any go-micro: also of one before 1.8, whose nodes have address and port apart. Left says what is
 * wrong with it. Never throws.
 */
export function decodeRecord(text: string): E.Either<string, Instance> {
  if (text.length > MAX_RECORD_CHARS) return E.left(`it has ${text.length} characters, at most ${MAX_RECORD_CHARS}`)
  const json = parse(text)
  if (!isRecord(json)) return E.left('it is not a JSON object')
  const { name, version, nodes } = json
  const metadata = readMetadata(json['metadata'])
  const endpoints = readEndpoints(json['endpoints'])
  if (metadata === undefined) return E.left('its labels are not strings')
  if (endpoints === undefined) return E.left('its endpoints cannot be read')
  if (!Array.isArray(nodes) || nodes.length !== 1) return E.left('it does not have one node')
  const node = readNode(nodes[0])
  if (E.isLeft(node)) return node
  // The faults name all that is no text.
  const instance = { name, version, metadata, endpoints, node: node.right } as Instance
  const faults = instanceFaults(instance)
  if (faults.length === 0) faults.push(...recordFaults(instance))
  return faults.length === 0 ? E.right(instance) : E.left(faults.join('; '))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const ADDRESS = /^(?=\S{1,1024}$)(?:.+:\d{1,5}|\w+:\/\/.+|[^:]*\/.+)$/

/** What keeps an instance from being a record; empty when nothing does. */
export function recordFaults({ node }: Instance): readonly string[] {
  return ADDRESS.test(node.address) ? [] : [`node.address ${shown(node.address)} is not host:port, a URL or a path`]
}

function readNode(value: unknown): E.Either<string, Node> {
  if (!isRecord(value)) return E.left('its node is not an object')
  const { id, address: host, port } = value
  const metadata = readMetadata(value['metadata'])
  if (metadata === undefined) return E.left('the labels of its node are not strings')
  const address = typeof port === 'number' && port > 0 ? `${bracketed(String(host))}:${port}` : host
  return E.right({ id, address, metadata } as Node)
}

/** An IPv6 address as it stands before a port. */
function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
}

function withoutSlash(name: string): string {
  return name.replaceAll('/', '-')
}

function orNull(metadata: Instance['metadata']): Instance['metadata'] | null {
  return Object.keys(metadata).length === 0 ? null : metadata
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 80))
}
