import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Subject, type Observable } from 'rxjs'

/** What the processes are; each is a program beside this file. */
export type Role = 'orders' | 'billing' | 'shipping'

/** How long a process may take to end by itself, ms. */
const PATIENCE_MS = 4000

/** One process a role. */
export class Children {
  /** Fails when one of them ends by itself. */
  readonly failures$: Observable<never>
  private readonly failures: Subject<never>
  private readonly args: readonly string[]
  private readonly running: Map<Role, ChildProcess>

  constructor(args: readonly string[]) {
    this.failures = new Subject()
    this.failures$ = this.failures.asObservable()
    this.args = args
    this.running = new Map()
  }

  /** Starts the process of a role. */
  start(role: Role): void {
    const program = fileURLToPath(new URL(`./${role}.js`, import.meta.url))
    const child = fork(program, [...this.args], { stdio: ['ignore', 2, 2, 'ipc'] })
    this.running.set(role, child)
    child.once('exit', (code, signal) => {
      if (this.running.get(role) !== child) return // it was meant to
      this.failures.error(new Error(`${role} has ended by itself: ${signal ?? `exit code ${code}`}`))
    })
  }

  /** Kills the process of a role, which has no chance to do anything about it. */
  async kill(role: Role): Promise<void> {
    const child = this.running.get(role)
    this.running.delete(role)
    if (child === undefined) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  /** Ends all of them in order, and waits for it. */
  async stop(): Promise<void> {
    const children = [...this.running.values()]
    this.running.clear()
    await Promise.all(children.map(end))
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  if (child.connected) child.disconnect()
  const killing = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
  await ended
  clearTimeout(killing)
}
