import { asyncScheduler, BehaviorSubject, Observable, Subject, switchMap } from 'rxjs'
import type { DnsPacket, PacketLink, PacketPort } from '../../src/registry/mdns/packet.js'

/** One packet on its way, which a spec may lose. */
export type Lose = (packet: DnsPacket) => boolean

/**
 * A group of ports without a network: what one sends, all hear a millisecond later, on RxJS's own clock, so in
 * virtual time too.
 */
export class PacketGroup {
  /** What has been sent, in order, with the name of the sender. */
  readonly sent: { readonly from: string; readonly packet: DnsPacket; readonly at: number }[] = []
  /** Whether the group cannot be had. */
  readonly down$: BehaviorSubject<boolean>
  /** How many links are open. */
  open = 0
  private readonly heard$: Subject<DnsPacket>
  private readonly lose: Lose

  constructor(lose: Lose = () => false) {
    this.heard$ = new Subject()
    this.down$ = new BehaviorSubject(false)
    this.lose = lose
  }

  port(name: string): PacketPort {
    return this.down$.pipe(
      switchMap(down => {
        if (down) throw new Error('the group is down')
        return this.link(name)
      }),
    )
  }

  /** Says something in nobody's name. */
  say(packet: DnsPacket): void {
    this.heard$.next(packet)
  }

  private link(name: string): Observable<PacketLink> {
    const send = (packet: DnsPacket): Observable<never> =>
      new Observable(subscriber => {
        this.sent.push({ from: name, packet, at: asyncScheduler.now() })
        if (!this.lose(packet)) asyncScheduler.schedule(() => this.heard$.next(packet), 1)
        subscriber.complete()
      })
    return new Observable(subscriber => {
      this.open++
      subscriber.next({ packets$: this.heard$, send })
      return () => this.open--
    })
  }
}
