import { BehaviorSubject, Subscription } from 'rxjs'
import type { Runtime } from '../core/index.js'
import type { MemoryFaults, MemoryLink, MemoryLinkState } from './memory-faults.js'
import { MemoryLane } from './memory-lane.js'
import { MemorySocket } from './memory-socket.js'

/** How a memory network behaves; the meaning and defaults are those of the transport's options. */
export interface MemoryConnectionOptions {
  /** Time from one end to the other, in ms. */
  readonly latencyMs: number
  /** Longest frame, in bytes. */
  readonly maxFrameBytes: number
  /** Bytes under way above which `send` gives false. */
  readonly highWaterMarkBytes: number
  /** What goes wrong. */
  readonly faults: MemoryFaults
}

/** Two sockets, the lanes between them, and the condition of the link they share. */
export class MemoryConnection {
  /** The end that dialled. */
  readonly dialer: MemorySocket
  /** The condition of the link; completes when it is lost. */
  readonly state: BehaviorSubject<MemoryLinkState>
  private readonly options: MemoryConnectionOptions
  private readonly link: MemoryLink
  private readonly out: MemoryLane
  private readonly back: MemoryLane
  private readonly weather: Subscription
  private accepted: MemorySocket | undefined
  private openEnds: number

  /** Makes a connection whose dialling end, in `runtime`, is open and may still be far from known to anybody. */
  constructor(link: MemoryLink, runtime: Runtime, options: MemoryConnectionOptions) {
    const { from, to } = link
    this.options = options
    this.link = link
    this.out = new MemoryLane(runtime)
    this.back = new MemoryLane(runtime)
    this.state = new BehaviorSubject<MemoryLinkState>('up')
    const lanes = { outgoing: this.out, incoming: this.back }
    this.dialer = this.socket({ ...lanes, runtime, local: from, remote: to, toward: 'listener' })
    this.accepted = undefined
    this.openEnds = 2
    this.weather = new Subscription()
    this.weather.add(options.faults.link?.(link).subscribe(state => this.enter(state)))
  }

  /** The listener, in `runtime`, has heard of it: gives the end that was accepted. Called once. */
  accept(runtime: Runtime): MemorySocket {
    const { from, to } = this.link
    const lanes = { outgoing: this.back, incoming: this.out }
    this.out.arriveIn(runtime)
    this.accepted = this.socket({ ...lanes, runtime, local: to, remote: from, toward: 'dialer' })
    return this.accepted
  }

  /** There will never be an accepted end. */
  abandon(): void {
    this.endEnded()
  }

  private socket(end: {
    readonly runtime: Runtime
    readonly local: string
    readonly remote: string
    readonly outgoing: MemoryLane
    readonly incoming: MemoryLane
    readonly toward: 'listener' | 'dialer'
  }): MemorySocket {
    const { faults, latencyMs } = this.options
    const { toward, outgoing } = end
    let index = 0
    const transmit = (bytes: Uint8Array): void => {
      const fate = faults.frame?.({ link: this.link, toward, index: index++, bytes }) ?? 0
      if (typeof fate !== 'number') this.enter(fate)
      if (this.state.value === 'lost') return
      outgoing.send(bytes, latencyMs + (typeof fate === 'number' ? fate : 0))
    }
    return new MemorySocket({ ...this.options, ...end, transmit, ended: () => this.endEnded() })
  }

  private endEnded(): void {
    this.openEnds--
    if (this.openEnds === 0) this.weather.unsubscribe()
  }

  private enter(state: MemoryLinkState): void {
    if (this.state.value === 'lost') return
    this.state.next(state)
    const lanes = [this.out, this.back]
    if (state !== 'lost') return lanes.forEach(lane => lane.freeze(state === 'frozen'))
    lanes.forEach(lane => lane.cut())
    this.dialer.lose()
    this.accepted?.lose()
  }
}
