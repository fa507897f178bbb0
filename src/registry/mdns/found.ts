import * as E from 'fp-ts/lib/Either.js'
import { Subject, type Observable } from 'rxjs'
import { instanceFaults, isServiceName } from '../checked.js'
import { directory, type Directory, type Listing } from '../directory.js'
import type { Instance } from '../registry.js'
import type { SkippedRecords } from '../skipped-records.js'
import { readAddress, writeAddress } from './address.js'
import type { DnsRecord } from './packet.js'
import { sightings, type Sighting } from './sightings.js'
import { decodeText, joinText } from './text.js'

/** Most nodes that one watch keeps. */
export const MAX_NODES = 10_000

/** Most names of services that a watch of everything asks for. */
export const MAX_SERVICES = 1000

/** Longest that a record is believed, whatever it says, s: a node that is gone must not stay for years. */
const MAX_TTL_S = 4500

/** What a watch has heard of, until it says goodbye or has not been heard again for its time to live. */
export interface Found {
  /** Names of the services to ask for. */
  readonly services: ReadonlySet<string>
  /** Names as they are added to `services`, hot. */
  readonly learnt$: Observable<string>
  /** Takes in the answers of one packet heard at `now` (ms); true when the listing is another one. */
  hear(answers: readonly DnsRecord[], now: number): boolean
  /** Drops what was to be believed until `now` at most; true when the listing is another one. */
  expire(now: number): boolean
  /** When the next node is to be dropped, ms; `Infinity` when there is none. */
  nextExpiry(): number
  /**
   * Names of the nodes to ask now because they have long been silent: after 80, 85, 90 and 95 % of their time to live
   * (RFC 6762, 5.2), each time told once.
   */
  doubtful(now: number): readonly string[]
  /** When there is a node to ask next, ms; `Infinity` when there is none. */
  nextDoubt(): number
  /** What is there. */
  listing(): Listing
}

/** Nothing found yet; with a service's name, only its nodes are taken in. */
export function found(domain: string, skipped: SkippedRecords, service?: string): Found {
  return new FoundNodes(domain, skipped, service)
}

interface Entry {
  readonly service: string
  readonly id: string
  readonly text: string
  address: string
  ttlMs: number
  expiresAt: number
  doubtedAt: number
}

const DOUBTED_PART = 0.8
const DOUBTED_AGAIN_PART = 0.05

class FoundNodes implements Found {
  readonly services: Set<string>
  readonly learnt$: Subject<string>
  private readonly domain: string
  private readonly skipped: SkippedRecords
  private readonly service: string | undefined
  private readonly suffix: string
  private readonly entries: Map<string, Entry>
  private readonly directory: Directory

  constructor(domain: string, skipped: SkippedRecords, service: string | undefined) {
    this.services = new Set(service === undefined ? [] : [service])
    this.learnt$ = new Subject()
    this.domain = domain
    this.skipped = skipped
    this.service = service
    this.suffix = service === undefined ? `.${domain}` : `.${service}.${domain}`
    this.entries = new Map()
    this.directory = directory()
  }

  hear(answers: readonly DnsRecord[], now: number): boolean {
    const { nodes, services } = sightings(answers, this.domain)
    if (this.service === undefined) for (const name of services) this.addService(name)
    let changed = false
    for (const node of nodes) {
      if (node.name.endsWith(this.suffix) && this.hearNode(node, now)) changed = true
    }
    return changed
  }

  expire(now: number): boolean {
    let changed = false
    for (const [name, { expiresAt }] of this.entries) {
      if (expiresAt <= now && this.drop(name)) changed = true
    }
    return changed
  }

  nextExpiry(): number {
    let next = Infinity
    for (const { expiresAt } of this.entries.values()) next = Math.min(next, expiresAt)
    return next
  }

  doubtful(now: number): readonly string[] {
    const names: string[] = []
    for (const [name, entry] of this.entries) {
      if (entry.doubtedAt > now) continue
      names.push(name)
      const again = entry.doubtedAt + entry.ttlMs * DOUBTED_AGAIN_PART
      entry.doubtedAt = again < entry.expiresAt ? again : Infinity
    }
    return names
  }

  nextDoubt(): number {
    let next = Infinity
    for (const { doubtedAt } of this.entries.values()) next = Math.min(next, doubtedAt)
    return next
  }

  listing(): Listing {
    return this.directory.listing()
  }

  private hearNode({ name, ttl, port, host, text }: Sighting, now: number): boolean {
    const address = host === undefined || port === undefined ? undefined : writeAddress({ host, port })
    const known = this.entries.get(name)
    if (ttl === 0) {
      // The goodbye of a node that another has replaced, at another address, comes too late.
      return (address === undefined || address === known?.address) && this.drop(name)
    }
    if (address === undefined || text === undefined) return false // PTR alone: not a whole record
    const joined = joinText(text)
    const ttlMs = Math.min(ttl, MAX_TTL_S) * 1000
    const times = { ttlMs, expiresAt: now + ttlMs, doubtedAt: now + ttlMs * DOUBTED_PART }
    if (known !== undefined && known.text === joined && known.address === address) {
      Object.assign(known, times) // heard again: nothing to inflate
      return false
    }
    const read = this.read(name, address, joined)
    if (E.isLeft(read)) return this.skip(name, read.left)
    return this.put(name, read.right, { text: joined, address, ...times })
  }

  private put(name: string, instance: Instance, heard: Omit<Entry, 'service' | 'id'>): boolean {
    if (!this.entries.has(name) && this.entries.size >= MAX_NODES) {
      return this.skip(name, `there are ${MAX_NODES} nodes already`)
    }
    const moved = this.drop(name)
    this.entries.set(name, { service: instance.name, id: instance.node.id, ...heard })
    this.addService(instance.name)
    return this.directory.put(instance) || moved
  }

  private drop(name: string): boolean {
    const entry = this.entries.get(name)
    if (entry === undefined) return false
    this.entries.delete(name)
    return this.directory.remove(entry.service, entry.id)
  }

  private addService(name: string): void {
    if (this.services.has(name) || !isServiceName(name)) return
    if (this.services.size >= MAX_SERVICES) {
      this.skip(name, `there are ${MAX_SERVICES} services already`)
      return
    }
    this.services.add(name)
    this.learnt$.next(name)
  }

  private read(name: string, address: string, hex: string): E.Either<string, Instance> {
    if (readAddress(address) === undefined) return E.left(`nobody can dial ${JSON.stringify(address)}`)
    const text = decodeText(hex)
    if (E.isLeft(text)) return text
    const { service, version, metadata, endpoints, serviceMetadata } = text.right
    const suffix = `.${service}.${this.domain}`
    if (!name.endsWith(suffix) || (this.service !== undefined && service !== this.service)) {
      return E.left(`its text is of service ${JSON.stringify(service.slice(0, 80))}`)
    }
    const node = { id: name.slice(0, -suffix.length), address, metadata }
    const instance = { name: service, version, metadata: serviceMetadata, endpoints, node }
    const faults = instanceFaults(instance)
    return faults.length === 0 ? E.right(instance) : E.left(faults.join('; '))
  }

  private skip(name: string, why: string): false {
    this.skipped.skip(name, why)
    return false
  }
}
