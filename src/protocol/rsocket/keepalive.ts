import type { Subscription } from 'rxjs'
import type { Runtime } from '../../core/index.js'

/** Sends keepalives and notices silence, without reading the clock for every frame. */
export class Keepalive {
  private readonly tickMs: number
  private readonly maxLifetimeMs: number
  private readonly sendEveryMs: number
  private readonly send: () => void
  private readonly dead: (silentMs: number) => void
  private heard: boolean
  private silentMs: number
  private unsentMs: number
  private readonly timer: Subscription

  /** `send` is called every `sendEveryMs`, `dead` once when nothing was heard for `maxLifetimeMs`. */
  constructor(
    runtime: Runtime,
    { sendEveryMs, maxLifetimeMs }: { sendEveryMs: number; maxLifetimeMs: number },
    on: { send(): void; dead(silentMs: number): void },
  ) {
    // Silence is counted in ticks: never longer than the lifetime, at most a tick shorter.
    this.tickMs = Math.max(1, Math.min(sendEveryMs, maxLifetimeMs / 20))
    this.maxLifetimeMs = maxLifetimeMs
    this.sendEveryMs = sendEveryMs
    this.send = () => on.send()
    this.dead = silentMs => on.dead(silentMs)
    this.heard = true
    this.silentMs = 0
    this.unsentMs = 0
    const tick = (): boolean => this.tick()
    const { tickMs } = this
    this.timer = runtime.scheduler.schedule(function () {
      if (tick()) this.schedule(undefined, tickMs)
    }, tickMs)
  }

  /** A frame has arrived. */
  hear(): void {
    this.heard = true
  }

  /** Ends it. */
  stop(): void {
    this.timer.unsubscribe()
  }

  private tick(): boolean {
    this.silentMs = this.heard ? 0 : this.silentMs + this.tickMs
    this.heard = false
    if (this.silentMs + this.tickMs >= this.maxLifetimeMs) {
      this.dead(this.silentMs)
      return false
    }
    this.unsentMs += this.tickMs
    if (this.unsentMs + this.tickMs / 2 >= this.sendEveryMs) {
      this.unsentMs = 0
      this.send()
    }
    return true
  }
}
