import {
  combineLatest,
  EMPTY,
  merge,
  Observable,
  ReplaySubject,
  share,
  Subject,
  Subscription,
  tap,
  timer,
  type Subscriber,
} from 'rxjs'
import { RpcError, retrySafely, type Log, type Runtime } from '../../core/index.js'
import type { SkippedRecords } from '../skipped-records.js'
import { groupSocket, type GroupSocket, type Heard } from './group-socket.js'
import type { Asker, DnsPacket, PacketLink, PacketPort } from './packet.js'
import { placeAt, placesOf, type Interfaces, type Place } from './places.js'

/** Where the group is. */
export interface MulticastOptions {
  /** IPv4 address of the interface to use; all that there are when absent. */
  readonly interface: string | undefined
  /** What the system says of its interfaces. */
  readonly interfaces: Interfaces
  /** How often it is looked for interfaces that have come or gone, ms. */
  readonly lookEveryMs: number
  /** UDP port of the group. */
  readonly port: number
  /** Where packets are told of that cannot be read. */
  readonly skipped: SkippedRecords
  /** Where interfaces are told of that take no part. */
  readonly log: Log
  /** Time. */
  readonly runtime: Runtime
}

const ANY_ADDRESS = { udp4: '0.0.0.0', udp6: '::' } as const
const LOOPBACK = /^127\./

/**
 * The group of multicast DNS, 224.0.0.251 and ff02::fb, on every interface that leads to other machines.
 *
 * An interface that takes no part is passed over and tried again; the port fails when there is no other. When one comes
 * the link is emitted again, so that those behind it are asked and told everything. A packet that comes by several
 * interfaces is heard several times.
 *
 * With an interface of this machine only (127.0.0.0/8) nothing is sent to another, and nothing from another is heard:
 * the port fails rather than fall back to the default interface.
 */
export function multicastPort(options: MulticastOptions): PacketPort {
  return new Observable(subscriber => {
    const link = new MulticastLink(options, subscriber)
    subscriber.add(() => link.close())
    subscriber.add(timer(0, options.lookEveryMs, options.runtime.scheduler).subscribe(() => link.look()))
  })
}

class MulticastLink implements PacketLink {
  readonly packets$: Subject<DnsPacket>
  private readonly options: MulticastOptions
  private readonly subscriber: Subscriber<PacketLink>
  /** One socket a family hears the group on all its places: a socket of each would hear every packet too. */
  private readonly ears: { readonly [family in Place['family']]: Observable<GroupSocket> }
  /** Places that are open or being opened, by name. */
  private readonly places: Map<string, Subscription>
  /** One socket each of the open ones, for a socket sends by one interface. */
  private readonly mouths: Map<string, GroupSocket>
  /** Why places take no part, by name. */
  private readonly refused: Map<string, unknown>
  private grown: boolean

  constructor(options: MulticastOptions, subscriber: Subscriber<PacketLink>) {
    this.packets$ = new Subject()
    this.options = options
    this.subscriber = subscriber
    const ears = (family: Place['family']): Observable<GroupSocket> =>
      this.socket(family, ANY_ADDRESS[family]).pipe(share({ connector: () => new ReplaySubject<GroupSocket>(1) }))
    this.ears = { udp4: ears('udp4'), udp6: ears('udp6') }
    this.places = new Map()
    this.mouths = new Map()
    this.refused = new Map()
    this.grown = false
  }

  send(packet: DnsPacket, to?: Asker): Observable<never> {
    const mouths = [...this.mouths.values()]
    if (to === undefined) return merge(...mouths.map(mouth => mouth.send(packet)))
    // To one alone the system knows the way, of whichever socket of the family.
    const mouth = mouths.find(({ family }) => (family === 'udp6') === to.address.includes(':'))
    return mouth === undefined ? EMPTY : mouth.send(packet, to)
  }

  /** Opens the places that have come, closes those that are gone. */
  look(): void {
    const { interface: address, interfaces } = this.options
    const present = new Map(
      (address === undefined ? placesOf(interfaces) : [placeAt(address)]).map(place => [place.name, place]),
    )
    for (const [name, opened] of this.places) if (!present.has(name)) opened.unsubscribe()
    for (const name of this.refused.keys()) if (!present.has(name)) this.refused.delete(name)
    const come = [...present.values()].filter(({ name }) => !this.places.has(name))
    for (const { name } of come) this.places.set(name, new Subscription())
    for (const place of come) this.open(place)
    this.settle()
  }

  close(): void {
    for (const opened of this.places.values()) opened.unsubscribe()
  }

  private open(place: Place): void {
    const { name, family } = place
    const opened = this.places.get(name)
    opened?.add(() => this.forget(name))
    opened?.add(
      combineLatest([this.ears[family], this.socket(family, place.address)])
        .pipe(tap(([ears, mouth]) => takePart(place, ears, mouth)))
        .subscribe({
          next: ([ears, mouth]) => {
            opened.add(() => ears.leave(place.interface))
            this.opened(name, mouth)
          },
          error: error => {
            opened.unsubscribe()
            this.refuse(name, error)
          },
        }),
    )
  }

  /** A socket, heard from as soon as it is open: who is asked in one's own name may be answered alone. */
  private socket(family: Place['family'], address: string): Observable<GroupSocket> {
    const { port, skipped } = this.options
    return groupSocket({ family, address, port, skipped }).pipe(
      tap(({ heard$ }) => heard$.subscribe(heard => this.hear(heard))),
    )
  }

  private hear({ packet, from }: Heard): void {
    const { interface: address } = this.options
    if (address === undefined || !LOOPBACK.test(address) || LOOPBACK.test(from)) this.packets$.next(packet)
  }

  private opened(name: string, mouth: GroupSocket): void {
    this.mouths.set(name, mouth)
    this.refused.delete(name)
    this.grown = true
    this.settle()
  }

  private refuse(name: string, error: unknown): void {
    if (!this.refused.has(name)) {
      const message = `interface ${name} takes no part in multicast: ${textOf(error)}`
      this.options.log({ level: 'info', event: 'mdns.interface_refused', message })
    }
    this.refused.set(name, error)
    this.settle()
  }

  private forget(name: string): void {
    this.places.delete(name)
    this.mouths.delete(name)
  }

  /** Says that the link can be used when all places have been tried, and again when there are more of them. */
  private settle(): void {
    if (this.places.size === 0) return this.subscriber.error(broken(this.options, this.refused))
    if (!this.grown || this.mouths.size < this.places.size) return
    this.grown = false
    this.subscriber.next(this)
  }
}

function takePart(place: Place, ears: GroupSocket, mouth: GroupSocket): void {
  ears.join(place.interface)
  mouth.sendBy(place.interface)
}

function broken({ port, interface: address }: MulticastOptions, refused: ReadonlyMap<string, unknown>): RpcError {
  const [cause] = refused.values()
  const why = Array.from(refused, ([name, error]) => `${name}: ${textOf(error)}`).join('; ')
  return new RpcError(
    'UNAVAILABLE',
    `no multicast on UDP port ${port} of ${address ?? 'any interface'}: ${why || 'there is no network interface'}`,
    { reason: 'mdns_unavailable', retry: retrySafely, cause },
  )
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
