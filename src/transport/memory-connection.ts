import { BehaviorSubject, Subscription } from 'rxjs'
import type { Runtime } from '../core/index.js'
import type { MemoryFaults, MemoryLink, MemoryLinkState } from './memory-faults.js'
import { MemoryLane } from './memory-lane.js'
import { MemorySocket } from './memory-socket.js'

/** How a memory network behaves; the meaning and defaults are those of the transport's options. */
export interface MemoryConnectionOptions {
  /** Where time and turns come from. */
  readonly runtime: Runtime
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
  /** The end that was accepted. */
  readonly accepted: MemorySocket
  /** The condition of the link; completes when it is lost. */
  readonly state: BehaviorSubject<MemoryLinkState>
  private readonly options: MemoryConnectionOptions
  private readonly link: MemoryLink
  private readonly lanes: readonly MemoryLane[]
  private readonly weather: Subscription
  private openEnds: number

  /** Makes a connection whose ends are open and may still be far from known to anybody. */
  constructor(link: MemoryLink, options: MemoryConnectionOptions) {
    const out = new MemoryLane(options.runtime)
    const back = new MemoryLane(options.runtime)
    const { from, to } = link
    this.options = options
    this.link = link
    this.lanes = [out, back]
    this.state = new BehaviorSubject<MemoryLinkState>('up')
    this.dialer = this.socket({ local: from, remote: to, outgoing: out, incoming: back }, 'listener')
    this.accepted = this.socket({ local: to, remote: from, outgoing: back, incoming: out }, 'dialer')
    this.openEnds = 2
    this.weather = new Subscription()
    this.weather.add(options.faults.link?.(link).subscribe(state => this.enter(state)))
  }

  private socket(
    lanes: { local: string; remote: string; outgoing: MemoryLane; incoming: MemoryLane },
    toward: 'listener' | 'dialer',
  ): MemorySocket {
    const { faults, latencyMs } = this.options
    let index = 0
    const transmit = (bytes: Uint8Array): void => {
      const fate = faults.frame?.({ link: this.link, toward, index: index++, bytes }) ?? 0
      if (typeof fate !== 'number') this.enter(fate)
      if (this.state.value === 'lost') return
      lanes.outgoing.send(bytes, latencyMs + (typeof fate === 'number' ? fate : 0))
    }
    return new MemorySocket({ ...this.options, ...lanes, transmit, ended: () => this.endEnded() })
  }

  private endEnded(): void {
    this.openEnds--
    if (this.openEnds === 0) this.weather.unsubscribe()
  }

  private enter(state: MemoryLinkState): void {
    if (this.state.value === 'lost') return
    this.state.next(state)
    if (state !== 'lost') return this.lanes.forEach(lane => lane.freeze(state === 'frozen'))
    this.lanes.forEach(lane => lane.cut())
    this.dialer.lose()
    this.accepted.lose()
  }
}
