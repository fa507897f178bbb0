import { config } from 'rxjs'

/** Whether something that failed belongs to the simulation. */
export interface Ownership {
  /** A promise that was made in the simulation. */
  owns(promise: Promise<unknown>): boolean
  /** Whether the code that runs now is the simulation's. */
  isHere(): boolean
  /** Whether an error that nobody caught just now is the simulation's. */
  hasThrown(): boolean
}

type Listener = (error: unknown, promise: Promise<unknown>) => void

/**
 * Hears of errors that nobody handles while a simulation runs: rejected promises, callbacks of the platform that throw,
 * and Observables without an error handler. Those of others go on to whoever listened before.
 */
export class UnhandledErrors {
  /** What nobody has handled. */
  readonly found: unknown[]
  private readonly restores: (() => void)[]

  constructor() {
    this.found = []
    this.restores = []
  }

  /** Begins to listen, in place of others. */
  enable(simulation: Ownership): void {
    this.takeOver('unhandledRejection', promise => simulation.owns(promise))
    this.takeOver('uncaughtException', () => simulation.hasThrown())
    const { onUnhandledError } = config
    config.onUnhandledError = error => {
      if (simulation.isHere()) this.found.push(error)
      else if (onUnhandledError === null) throw error // as RxJS does, in a task of its own
      else onUnhandledError(error)
    }
    this.restores.push(() => void (config.onUnhandledError = onUnhandledError))
  }

  /** Lets others listen again. */
  disable(): void {
    for (const restore of this.restores.splice(0)) restore()
  }

  private takeOver(
    event: 'unhandledRejection' | 'uncaughtException',
    isOurs: (promise: Promise<unknown>) => boolean,
  ): void {
    const others = process.listeners(event as 'unhandledRejection') as Listener[]
    const listener: Listener = (error, promise) => {
      if (isOurs(promise)) this.found.push(error)
      else if (others.length > 0) for (const other of others) other.call(process, error, promise)
      else throw error // nobody else listens, and the platform would end the process
    }
    for (const other of others) process.off(event, other)
    process.on(event, listener)
    this.restores.push(() => {
      process.off(event, listener)
      for (const other of others) process.on(event, other)
    })
  }
}
