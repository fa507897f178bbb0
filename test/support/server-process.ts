import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'

/** As much of what a server wrote as an error message shows. */
const LOG_CHARACTERS = 2000

/**
 * Becomes the program, and leaves behind one that waits for the end of our pipe: it comes when we end, however we end, and
 * the server with us.
 */
const ENDS_WITH_US = 'exec 3<&0; { cat <&3; kill -9 $$; } >/dev/null 2>&1 & exec "$@" 3<&- </dev/null 2>&1'

/** A server in a process of its own, which does not outlive ours. */
export class ServerProcess {
  /** The last that it wrote. */
  log: string
  private readonly process: ChildProcess

  constructor(program: string, args: readonly string[]) {
    this.log = ''
    this.process = spawn('sh', ['-c', ENDS_WITH_US, 'sh', program, ...args], { stdio: ['pipe', 'pipe', 'ignore'] })
    this.process.stdout?.on(
      'data',
      (chunk: Buffer) => (this.log = (this.log + chunk.toString()).slice(-LOG_CHARACTERS)),
    )
    this.process.once('exit', () => this.process.stdin?.destroy())
    // It may run while nobody waits for anything.
    this.process.unref()
    for (const pipe of [this.process.stdin, this.process.stdout]) (pipe as unknown as { unref(): void }).unref()
  }

  /** Its process id. */
  get pid(): number {
    return this.process.pid ?? 0
  }

  /** Whether it runs, or is frozen. */
  get alive(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null
  }

  /** Sends it a signal; once this returns after SIGSTOP, it stands still. */
  signal(name: NodeJS.Signals): void {
    this.process.kill(name)
    if (name === 'SIGSTOP') while (this.alive && isRunning(this.pid));
  }

  /** Ends it on the spot, and waits until it is gone. */
  async kill(): Promise<void> {
    if (!this.alive) return
    const gone = once(this.process, 'exit')
    this.process.ref()
    this.process.kill('SIGKILL')
    await gone
  }
}

/** Whether a process runs, as Linux sees it; a signal to stop takes effect a little later than it is sent. */
function isRunning(pid: number): boolean {
  try {
    return !/\) [TtZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
