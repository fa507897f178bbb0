import { asyncScheduler, BehaviorSubject, Observable, Subject, switchMap } from 'rxjs'
import type { DnsPacket, PacketLink, PacketPort } from '../../src/registry/mdns/packet.js'

/** A packet and the name of its sender. */
export interface Sent {
  readonly from: string
  readonly packet: DnsPacket
}

/** Whether a packet gets lost. */
export type Lose = (packet: DnsPacket) => boolean

/**
 * A group of ports without a network: what one sends, all hear a millisecond later, on RxJS's own clock, so in
 * virtual time too.
 */
export class PacketGroup {
  /** What is sent, when it is sent, lost or not. */
  readonly sent$: Subject<Sent>
  /** Whether the group cannot be had. */
  readonly down$: BehaviorSubject<boolean>
  /** How many links are open. */
  open = 0
  private readonly heard$: Subject<DnsPacket>
  private readonly lose: Lose

  constructor(lose: Lose = () => false) {
    this.sent$ = new Subject()
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
        this.sent$.next({ from: name, packet })
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
