import { isIPv4, isIPv6 } from 'node:net'
import { RpcError } from '../../core/index.js'
import { checkedInstance } from '../checked.js'
import type { Instance } from '../registry.js'
import { readAddress, type HostPort } from './address.js'
import type { DnsPacket, DnsQuestion, DnsRecord } from './packet.js'
import { encodeText } from './text.js'

/** Most bytes a packet may have: the most a reader of multicast DNS must take (RFC 6762, 17). */
export const MAX_PACKET_BYTES = 9000

const HEADER_BYTES = 12

/** Most bytes a name may have (RFC 1035, 2.3.4), with a byte for each label's length and for the end. */
export const MAX_NAME_BYTES = 255

/** What a record depends on besides its instance. */
export interface RecordContext {
  /** Domain of the group, `micro`. */
  readonly domain: string
  /** How long a record may be kept, ms. */
  readonly ttlMs: number
  /** Name of this machine, the target of SRV records. */
  readonly hostname: string
}

/** Everything that one announced instance says. */
export interface NodeRecord {
  /** Who says it. */
  readonly instance: Instance
  /** `<id>.<service>.<domain>`. */
  readonly name: string
  /** PTR, SRV, A or AAAA, and TXT of the node, in one packet: go-micro reads one node a packet. */
  readonly announcement: DnsPacket
  /** The same, to be forgotten at once. */
  readonly goodbye: DnsPacket
  /** That there is such a service. */
  readonly listing: DnsPacket
}

/** The service whose nodes are the names of all services. */
export const LIST = '_services'

/**
 * Makes the record of an instance, in go-micro's format.
 * Throws INVALID_ARGUMENT (reason `invalid_instance`), or RESOURCE_EXHAUSTED (reason `record_too_large`) when the
 * record does not fit into one packet, or its name not into a record.
 */
export function nodeRecord(instance: Instance, { domain, ttlMs, hostname }: RecordContext): NodeRecord {
  checkedInstance(instance, addressFaults)
  const place = readAddress(instance.node.address) as HostPort
  const service = `${instance.name}.${domain}`
  const name = `${instance.node.id}.${service}`
  const ttl = Math.ceil(ttlMs / 1000)
  const text = encodeText({
    service: instance.name,
    version: instance.version,
    metadata: instance.node.metadata,
    endpoints: instance.endpoints,
    serviceMetadata: instance.metadata,
  })
  const answers = [...pointed(service, name, place, hostname, ttl), { type: 'TXT', name, ttl, data: text } as const]
  checkSize(instance, 'name', nameBytes(name), MAX_NAME_BYTES, 'shorten the id of the node')
  const bytes = answers.reduce((sum, answer) => sum + recordBytes(answer), HEADER_BYTES)
  checkSize(instance, 'record', bytes, MAX_PACKET_BYTES, 'shorten its metadata or endpoints')
  return {
    instance,
    name,
    announcement: { type: 'response', answers },
    goodbye: { type: 'response', answers: answers.map(answer => ({ ...answer, ttl: 0 })) },
    listing: { type: 'response', answers: listing(instance.name, domain, hostname, ttl) },
  }
}

/** Which of its packets a record answers a question with, if with any. */
export function answerTo({ instance, name }: NodeRecord, question: DnsQuestion, domain: string): Answer | undefined {
  const wanted = question.name
  const pointer = question.type === 'PTR' || question.type === 'ANY'
  if (pointer && wanted === `${LIST}.${domain}`) return 'listing'
  return wanted === name || (pointer && wanted === `${instance.name}.${domain}`) ? 'announcement' : undefined
}

/** Names of the packets of a record that answer questions. */
export type Answer = 'announcement' | 'listing'

/** PTR, SRV and, when the host is an IP address, A or AAAA. */
function pointed(service: string, name: string, place: HostPort, hostname: string, ttl: number): DnsRecord[] {
  const { host, port } = place
  const type = isIPv4(host) ? ('A' as const) : isIPv6(host) ? ('AAAA' as const) : undefined
  const target = type === undefined ? host : hostname
  return [
    { type: 'PTR', name: service, ttl, data: name },
    { type: 'SRV', name, ttl, data: { priority: 10, weight: 1, port, target } },
    ...(type === undefined ? [] : [{ type, name: target, ttl, data: host }]),
  ]
}

/** go-micro lists a service as a node of the service `_services`, at no address. */
function listing(service: string, domain: string, hostname: string, ttl: number): DnsRecord[] {
  const list = `${LIST}.${domain}`
  const name = `${service}.${list}`
  const nowhere = { host: '0.0.0.0', port: 9999 }
  return [...pointed(list, name, nowhere, hostname, ttl), { type: 'TXT', name, ttl, data: [] }]
}

function addressFaults({ node }: Instance): readonly string[] {
  if (readAddress(node.address) !== undefined) return []
  return [`node.address ${JSON.stringify(node.address)} is not host:port that others can dial: give one as advertise`]
}

function checkSize({ name, node }: Instance, what: string, bytes: number, limit: number, remedy: string): void {
  if (bytes <= limit) return
  throw new RpcError(
    'RESOURCE_EXHAUSTED',
    `the ${what} of ${name} node ${node.id} takes ${bytes} bytes, at most ${limit}: ${remedy}`,
    { reason: 'record_too_large', details: { bytes, limit } },
  )
}

/** Bytes of a record on the wire, without compression. */
function recordBytes(record: DnsRecord): number {
  return nameBytes(record.name) + 10 + dataBytes(record)
}

function dataBytes({ type, data }: DnsRecord): number {
  if (type === 'PTR') return nameBytes(data)
  if (type === 'SRV') return 6 + nameBytes(data.target)
  if (type === 'TXT') return data.reduce((sum, string) => sum + string.length + 1, 0)
  return type === 'A' ? 4 : 16
}

function nameBytes(name: string): number {
  return Buffer.byteLength(name) + 2
}
