import type { Observable } from 'rxjs'

/** One question of a query. */
export interface DnsQuestion {
  /** What is asked about, without the dot at the end. */
  readonly name: string
  /** Which records are wanted, `PTR` or `ANY`. */
  readonly type: string
}

/** A resource record of the types that a registry record is made of; names are without the dot at the end. */
export type DnsRecord =
  | (RecordHead & { readonly type: 'PTR' | 'A' | 'AAAA'; readonly data: string })
  | (RecordHead & { readonly type: 'SRV'; readonly data: ServicePlace })
  | (RecordHead & { readonly type: 'TXT'; readonly data: readonly Uint8Array[] })

interface RecordHead {
  /** What the record is about. */
  readonly name: string
  /** How long it may be kept, s; 0 says goodbye. */
  readonly ttl: number
}

/** Where a service listens: the data of an SRV record. */
export interface ServicePlace {
  /** Lower is asked first; go-micro says 10. */
  readonly priority: number
  /** Share among equal priorities; go-micro says 1. */
  readonly weight: number
  /** 0 to 65535. */
  readonly port: number
  /** Name of the host, without the dot at the end. */
  readonly target: string
}

/** Who asked outside of the group, and hears only what is sent to it alone (RFC 6762, 6.7): go-micro's look-ups do. */
export interface Asker {
  /** Its address. */
  readonly address: string
  /** Its UDP port. */
  readonly port: number
  /** Number of its query, which the answer repeats, as it does the questions. */
  readonly query: number
  /** Its questions. */
  readonly questions: readonly DnsQuestion[]
}

/** What is sent to, or heard from, everyone. */
export type DnsPacket =
  | { readonly type: 'query'; readonly questions: readonly DnsQuestion[]; readonly asker?: Asker }
  | { readonly type: 'response'; readonly answers: readonly DnsRecord[] }

/** An open place in a group where everyone hears what anyone says, themselves included; packets may be lost. */
export interface PacketLink {
  /** What is heard, hot. It neither fails nor completes: the port does. */
  readonly packets$: Observable<DnsPacket>
  /**
   * Cold: sends on subscribing to everyone, or to one who asked; completes when the packet has left. One that cannot
   * leave fails the port, not this.
   */
  send(packet: DnsPacket, to?: Asker): Observable<never>
}

/**
 * The way into the group. Each subscription opens one link, emits it once packets flow, and fails with UNAVAILABLE
 * (reason `mdns_unavailable`) when it cannot be had or breaks. Unsubscribing closes it after what was sent has left.
 */
export type PacketPort = Observable<PacketLink>
