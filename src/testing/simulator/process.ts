import { isObservable, type Observable, type Unsubscribable } from 'rxjs'
import { RpcError } from '../../core/index.js'
import type { Life } from './life.js'
import type { ProcessStep } from './observed.js'
import type { ProcessContext, Program, SimulatedProcess } from './world.js'

/** The world, as far as a {@link Process} has to do with it. */
export interface ProcessOwner {
  /** Begins a life. */
  newLife(name: string, life: number, skewMs: number): Life
  /** Everything that a life has to do with. */
  contextOf(life: Life): ProcessContext
  /** The machine of a process is on. */
  connect(name: string): void
  /** The machine of a process closes its connections, or goes dark. */
  disconnect(name: string, isDark: boolean): void
  /** A process has started, or ended, or is told to end. */
  changed(step: ProcessStep): void
  /** The program of a process has failed. */
  failed(name: string, error: unknown): void
}

/** One process and its lives. */
export class Process implements SimulatedProcess {
  readonly name: string
  /** The present life. */
  running: Life | undefined
  private readonly program: Program
  private readonly owner: ProcessOwner
  private lives: number
  /** How many faults keep it down. */
  private downs: number
  private turnMs: number
  private skewMs: number

  constructor(name: string, program: Program, owner: ProcessOwner) {
    this.name = name
    this.running = undefined
    this.program = program
    this.owner = owner
    this.lives = 0
    this.downs = 0
    this.turnMs = 0
    this.skewMs = 0
  }

  get isUp(): boolean {
    return this.running !== undefined
  }

  start(): void {
    if (this.running !== undefined) return
    const life = this.owner.newLife(this.name, ++this.lives, this.skewMs)
    life.clock.turnMs = this.turnMs
    this.running = life
    this.owner.connect(this.name)
    this.tell('started')
    life.runtime.macrotask(() => this.run(life))
  }

  stop(): void {
    if (this.running === undefined) return
    this.tell('stopping')
    this.running.stop$.next()
  }

  crash(): void {
    if (this.running === undefined) return
    this.tell('crashed')
    this.end()
  }

  vanish(): void {
    if (this.running === undefined) return
    this.tell('vanished')
    this.end(true)
  }

  /** A fault keeps it down from now on. */
  takeDown(how: () => void): void {
    this.downs++
    how()
  }

  /** A fault is over; when it was the last, the process starts again. */
  bringUp(): void {
    this.downs--
    if (this.downs > 0) return
    this.crash() // if it was told to stop, and has not
    this.start()
  }

  /** How long each event takes it from now on. */
  slowDown(turnMs: number): void {
    this.turnMs = turnMs
    if (this.running !== undefined) this.running.clock.turnMs = turnMs
  }

  /** How far its clock is ahead in its next lives. */
  setClock(skewMs: number): void {
    this.skewMs = skewMs
  }

  /** Nothing of it happens any more, and it leaves nothing behind; a machine that goes dark tells nobody. */
  end(isDark: boolean = false): void {
    const life = this.running
    if (life === undefined) return
    this.running = undefined
    life.clock.isLive = false
    this.owner.disconnect(this.name, isDark)
    life.resources.unsubscribe()
  }

  private run(life: Life): void {
    const running: unknown = this.program(this.owner.contextOf(life))
    if (running === undefined) return
    if (isObservable(running)) life.resources.add(this.subscribe(running, life))
    else if (isUnsubscribable(running)) life.resources.add(running)
    else throw notRunning(this.name, running)
  }

  private subscribe(running: Observable<unknown>, life: Life): Unsubscribable {
    return running.subscribe({
      error: error => {
        this.owner.failed(this.name, error)
        this.endOf(life)
      },
      complete: () => this.endOf(life),
    })
  }

  private endOf(life: Life): void {
    if (this.running !== life) return
    this.tell('ended')
    this.end()
  }

  private tell(step: ProcessStep['step']): void {
    this.owner.changed({ process: this.name, life: this.lives, step })
  }
}

function isUnsubscribable(running: unknown): running is Unsubscribable {
  return typeof running === 'object' && running !== null && 'unsubscribe' in running
}

function notRunning(name: string, running: unknown): RpcError {
  const what = running instanceof Promise ? 'a Promise' : running === null ? 'null' : typeof running
  const message = `${name}: its program gave ${what}; an Observable, something to unsubscribe, or nothing is expected`
  return new RpcError('INVALID_ARGUMENT', message, { reason: 'invalid_scenario' })
}
