import type { Subscription } from 'rxjs'
import { RingBuffer, type Runtime } from '../../core/index.js'

interface Packet {
  readonly arrive: () => void
  /** On the clock of who receives, ms. */
  readonly due: number
}

/** One direction of a connection to the store: what is sent arrives in order, and waits while nothing passes. */
export class StoreLane {
  private readonly scheduler: Runtime['scheduler']
  private readonly latency: () => number
  private readonly packets: RingBuffer<Packet>
  private task: Subscription | undefined
  private isFrozen: boolean
  private isCut: boolean

  /** Makes one that ends where `scheduler` is; `latency` gives how long the next packet takes, ms. */
  constructor(scheduler: Runtime['scheduler'], latency: () => number) {
    this.scheduler = scheduler
    this.latency = latency
    this.packets = new RingBuffer()
    this.task = undefined
    this.isFrozen = false
    this.isCut = false
  }

  /** Sends something, which is done where it arrives. */
  send(arrive: () => void): void {
    if (this.isCut) return
    this.packets.push({ arrive, due: this.scheduler.now() + this.latency() })
    this.wake()
  }

  /** Lets nothing pass, or what has waited. */
  freeze(frozen: boolean): void {
    this.isFrozen = frozen
    this.wake()
  }

  /** Drops what is under way, for good. */
  cut(): void {
    this.isCut = true
    this.task?.unsubscribe()
    while (this.packets.shift() !== undefined);
  }

  private wake(): void {
    const next = this.packets.peek()
    if (next === undefined || this.task !== undefined || this.isFrozen) return
    this.task = this.scheduler.schedule(() => this.deliver(), Math.max(0, next.due - this.scheduler.now()))
  }

  private deliver(): void {
    this.task = undefined
    if (!this.isFrozen) this.packets.shift()?.arrive()
    this.wake()
  }
}
