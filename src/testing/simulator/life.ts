import { Subject, Subscription } from 'rxjs'
import type { Runtime } from '../../core/index.js'
import type { Vantage } from './call-observer.js'
import { runtimeOn, type Clock, type Timeline } from './timeline.js'

/** One life of a process, from a start to its end. */
export class Life implements Vantage {
  readonly process: string
  readonly life: number
  /** Its time and chance. */
  readonly runtime: Runtime
  /** Its clock. */
  readonly clock: Clock
  /** Emits when the process is told to stop. */
  readonly stop$: Subject<void>
  /** What it has at the outside; let go of without being told. */
  readonly resources: Subscription

  constructor(clock: Clock, timeline: Timeline, life: number, seed: number) {
    this.process = clock.name
    this.life = life
    this.clock = clock
    this.runtime = runtimeOn(timeline, clock, seed)
    this.stop$ = new Subject()
    this.resources = new Subscription()
  }

  isLive(): boolean {
    return this.clock.isLive
  }
}
