import type { DnsRecord } from './packet.js'
import { LIST } from './record.js'

/** What a packet says about one node, before its text is read. */
export interface Sighting {
  /** `<id>.<service>.<domain>`. */
  readonly name: string
  /** How long it may be believed, s; 0 says goodbye. */
  readonly ttl: number
  /** Port of the SRV record. */
  readonly port: number | undefined
  /** IPv4 address, else IPv6 address, else the target of the SRV record. */
  readonly host: string | undefined
  /** Strings of the TXT record. */
  readonly text: readonly Uint8Array[] | undefined
}

/** What a packet says about the services of a domain. */
export interface Sightings {
  /** The nodes it speaks of. */
  readonly nodes: readonly Sighting[]
  /** Names of services that it lists. */
  readonly services: readonly string[]
}

/** Collects what the records of one packet say about one domain; other domains' records are passed over. */
export function sightings(answers: readonly DnsRecord[], domain: string): Sightings {
  const suffix = `.${domain}`
  const list = `${LIST}.${domain}`
  const listed = `.${list}`
  const nodes = new Map<string, Parts>()
  const services: string[] = []
  const hosts = new Map<string, string>()
  const partsOf = (name: string, ttl: number): Parts => {
    const parts = nodes.get(name) ?? { ttl, place: undefined, text: undefined }
    parts.ttl = Math.min(parts.ttl, ttl)
    nodes.set(name, parts)
    return parts
  }
  for (const answer of answers) {
    const { name, ttl } = answer
    if (answer.type === 'A') hosts.set(name, answer.data)
    else if (answer.type === 'AAAA') hosts.set(name, hosts.get(name) ?? answer.data)
    else if (!name.endsWith(suffix) || name.endsWith(listed)) continue
    else if (answer.type === 'SRV') partsOf(name, ttl).place = answer.data
    else if (answer.type === 'TXT') partsOf(name, ttl).text = answer.data
    else if (name !== list) partsOf(answer.data, ttl)
    else if (ttl > 0 && answer.data.endsWith(listed)) services.push(answer.data.slice(0, -listed.length))
  }
  return {
    services,
    nodes: Array.from(nodes, ([name, { ttl, place, text }]) => ({
      name,
      ttl,
      port: place?.port,
      host: place && (hosts.get(place.target) ?? hosts.get(name) ?? place.target),
      text,
    })),
  }
}

interface Parts {
  ttl: number
  place: { readonly port: number; readonly target: string } | undefined
  text: readonly Uint8Array[] | undefined
}
