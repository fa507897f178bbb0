import multicastDns from 'multicast-dns'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { Observable, Subject } from 'rxjs'
import type { SkippedRecords } from '../skipped-records.js'
import type { Asker, DnsPacket, DnsRecord } from './packet.js'
import type { Place } from './places.js'

/** A packet, and who sent it. */
export interface Heard {
  /** What it says. */
  readonly packet: DnsPacket
  /** Address of its sender. */
  readonly from: string
}

/** What a socket of the group is made of. */
export interface GroupSocketOptions {
  /** Family of its addresses. */
  readonly family: Place['family']
  /** Address that it is bound to: all that there are, so that it hears the group, or one, so that it is the sender's. */
  readonly address: string
  /** UDP port of the group. */
  readonly port: number
  /** Where packets are told of that cannot be read. */
  readonly skipped: SkippedRecords
}

/** A UDP socket that is bound and open. */
export interface GroupSocket {
  /** Family of its addresses. */
  readonly family: Place['family']
  /** What it hears, hot. */
  readonly heard$: Observable<Heard>
  /** Hears the group on an interface. Throws the system's error when that cannot be. */
  join(place: string): void
  /** Hears it no more. */
  leave(place: string): void
  /** Sends by this interface from now on. Throws the system's error when that cannot be. */
  sendBy(place: string): void
  /**
   * Cold: sends on subscribing, to the group or to one who asked; completes when the packet has left. One that cannot
   * leave for the group fails the socket, not this.
   */
  send(packet: DnsPacket, to?: Asker): Observable<never>
}

const GROUPS = { udp4: '224.0.0.251', udp6: 'ff02::fb' } as const
const KNOWN: ReadonlySet<string> = new Set(['PTR', 'SRV', 'TXT', 'A', 'AAAA'])

/** RFC 6762, 11: a receiver may want to see that a packet came from its own link. */
const HOPS = 255

/**
 * Opens one socket a subscription and emits it when it is bound; fails with the system's error when that cannot be, or
 * when it breaks. Unsubscribing closes it after what was sent has left.
 */
export function groupSocket(options: GroupSocketOptions): Observable<GroupSocket> {
  return new Observable(subscriber => {
    const socket = new UdpSocket(options, {
      open: () => subscriber.next(socket),
      fail: error => subscriber.error(error),
    })
    return () => socket.close()
  })
}

interface Listener {
  open(): void
  fail(error: unknown): void
}

class UdpSocket implements GroupSocket {
  readonly family: Place['family']
  readonly heard$: Subject<Heard>
  private readonly options: GroupSocketOptions
  private readonly listener: Listener
  private readonly socket: Socket
  private readonly group: multicastDns.MulticastDNS
  private sending: number
  private closed: boolean

  constructor(options: GroupSocketOptions, listener: Listener) {
    this.heard$ = new Subject()
    this.options = options
    this.listener = listener
    this.sending = 0
    this.closed = false
    const { family, address, port } = options
    this.family = family
    this.socket = createSocket({ type: family, reuseAddr: true, ipv6Only: family === 'udp6' })
    // It shall neither join nor look for interfaces by itself: it would send by the default interface only.
    this.group = multicastDns({ socket: this.socket, port, bind: address, ip: GROUPS[family], multicast: false })
    this.group.on('ready', () => this.ready())
    this.group.on('error', error => this.listener.fail(error))
    this.group.on('warning', error => this.warn(error))
    this.group.on('query', ({ questions = [], id = 0 }, from: RemoteInfo) => {
      const { address, port } = from
      const asker = port === options.port ? {} : { asker: { address, port, query: id, questions } }
      this.hear({ type: 'query', questions, ...asker }, from)
    })
    this.group.on('response', ({ answers = [], additionals = [] }, from: RemoteInfo) =>
      this.hear({ type: 'response', answers: [...answers, ...additionals].filter(isKnown) as DnsRecord[] }, from),
    )
  }

  join(place: string): void {
    try {
      this.socket.addMembership(GROUPS[this.options.family], place)
    } catch (error) {
      if (!isMember(error)) throw error
    }
  }

  leave(place: string): void {
    try {
      this.socket.dropMembership(GROUPS[this.options.family], place)
    } catch {
      // The interface is gone, and the membership with it.
    }
  }

  sendBy(place: string): void {
    this.socket.setMulticastInterface(place)
  }

  send(packet: DnsPacket, to?: Asker): Observable<never> {
    return new Observable(subscriber => {
      if (this.closed) return subscriber.complete()
      this.sending++
      const sent = (error: Error | null | undefined): void => {
        this.sending--
        if (error && to === undefined) this.listener.fail(error) // who asked may be gone
        subscriber.complete()
        if (this.closed && this.sending === 0) this.group.destroy()
      }
      if (packet.type === 'query') this.group.query([...packet.questions] as never, sent)
      else if (to === undefined) this.group.respond([...packet.answers] as never, sent)
      else {
        const { query: id, questions, address, port } = to
        const answer = { id, questions, answers: packet.answers }
        this.group.respond(answer as never, { address, port } as never, sent)
      }
    })
  }

  close(): void {
    this.closed = true
    if (this.sending === 0) this.group.destroy() // otherwise the last one sent does it
  }

  private ready(): void {
    if (this.closed) return
    try {
      this.socket.setMulticastTTL(HOPS)
      this.socket.setMulticastLoopback(true) // others on this machine are others too
    } catch (error) {
      return this.listener.fail(error)
    }
    this.listener.open()
  }

  private hear(packet: DnsPacket, from: RemoteInfo): void {
    if (!this.closed) this.heard$.next({ packet, from: from.address })
  }

  private warn(error: Error): void {
    if ('syscall' in error) this.listener.fail(error)
    else this.options.skipped.skip('a packet', error.message)
  }
}

function isKnown(record: { readonly type: string }): boolean {
  return KNOWN.has(record.type)
}

/** Two addresses may be of one interface. */
function isMember(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
}
