import multicastDns from 'multicast-dns'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { Observable, Subject } from 'rxjs'
import { RpcError, retrySafely } from '../../core/index.js'
import type { SkippedRecords } from '../skipped-records.js'
import type { DnsPacket, DnsRecord, PacketLink, PacketPort } from './packet.js'

/** Where the group is. */
export interface MulticastOptions {
  /** IPv4 address of the interface to use; all that there are when absent. */
  readonly interface: string | undefined
  /** UDP port of the group. */
  readonly port: number
  /** Where packets are told of that cannot be read. */
  readonly skipped: SkippedRecords
}

const ANY_ADDRESS = '0.0.0.0'
const LOOPBACK = /^127\./
const KNOWN: ReadonlySet<string> = new Set(['PTR', 'SRV', 'TXT', 'A', 'AAAA'])

/**
 * The group of multicast DNS, 224.0.0.251, over one UDP socket.
 *
 * With an interface of this machine only (127.0.0.0/8) nothing is sent to another, and nothing from another is heard:
 * the port fails rather than fall back to the default interface.
 */
export function multicastPort(options: MulticastOptions): PacketPort {
  return new Observable(subscriber => {
    try {
      const link = new MulticastLink(options, {
        open: () => subscriber.next(link),
        fail: error => subscriber.error(broken(options, error)),
      })
      return () => link.close()
    } catch (error) {
      subscriber.error(broken(options, error))
      return undefined
    }
  })
}

interface Listener {
  open(): void
  fail(error: unknown): void
}

class MulticastLink implements PacketLink {
  readonly packets$: Subject<DnsPacket>
  private readonly options: MulticastOptions
  private readonly listener: Listener
  private readonly socket: Socket
  private readonly group: multicastDns.MulticastDNS
  private joined: boolean
  private sending: number
  private closed: boolean

  constructor(options: MulticastOptions, listener: Listener) {
    this.packets$ = new Subject()
    this.options = options
    this.listener = listener
    this.joined = false
    this.sending = 0
    this.closed = false
    this.socket = createSocket({ type: 'udp4', reuseAddr: true })
    const { interface: address, port } = options
    // Bound to the address of the interface, a socket would not hear what is sent to the group.
    this.group = multicastDns({
      socket: this.socket,
      port,
      bind: ANY_ADDRESS,
      loopback: true,
      ...(address && { interface: address }),
    })
    this.group.on('networkInterface', () => (this.joined = true))
    this.group.on('ready', () => this.ready())
    this.group.on('error', error => this.listener.fail(error))
    this.group.on('warning', error => this.warn(error))
    this.group.on('query', ({ questions = [] }, from: RemoteInfo) => this.receive({ type: 'query', questions }, from))
    this.group.on('response', ({ answers = [], additionals = [] }, from: RemoteInfo) =>
      this.receive({ type: 'response', answers: [...answers, ...additionals].filter(isKnown) as DnsRecord[] }, from),
    )
  }

  send(packet: DnsPacket): Observable<never> {
    return new Observable(subscriber => {
      if (this.closed) return subscriber.complete()
      this.sending++
      const sent = (error: Error | null | undefined): void => {
        this.sending--
        if (error) this.listener.fail(error)
        subscriber.complete()
        if (this.closed && this.sending === 0) this.group.destroy()
      }
      if (packet.type === 'query') this.group.query([...packet.questions] as never, sent)
      else this.group.respond([...packet.answers] as never, sent)
    })
  }

  close(): void {
    this.closed = true
    if (this.sending === 0) this.group.destroy() // otherwise the last one sent does it
  }

  private ready(): void {
    if (this.closed) return
    const { interface: address } = this.options
    if (!this.joined) return this.listener.fail('no interface takes part in multicast')
    try {
      // multicast-dns only warns when this fails, and then everything would leave by the default interface.
      if (address !== undefined) this.socket.setMulticastInterface(address)
    } catch (error) {
      return this.listener.fail(error)
    }
    this.listener.open()
  }

  private receive(packet: DnsPacket, from: RemoteInfo): void {
    const { interface: address } = this.options
    if (this.closed || (address !== undefined && LOOPBACK.test(address) && !LOOPBACK.test(from.address))) return
    this.packets$.next(packet)
  }

  private warn(error: Error): void {
    this.options.skipped.skip('a packet', error.message)
  }
}

function isKnown(record: { readonly type: string }): boolean {
  return KNOWN.has(record.type)
}

function broken({ interface: address, port }: MulticastOptions, error: unknown): RpcError {
  const why = error instanceof Error ? error.message : String(error)
  return new RpcError('UNAVAILABLE', `no multicast on UDP port ${port} of ${address ?? 'any interface'}: ${why}`, {
    reason: 'mdns_unavailable',
    retry: retrySafely,
    cause: error,
  })
}
